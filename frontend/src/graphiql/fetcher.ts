import type { Session } from "../session";

/** GraphiQL's page and the endpoint have the same address. */
export const ENDPOINT = window.location.pathname;

interface Parameters {
  query: string;
  operationName?: string | null | undefined;
  variables?: unknown;
}

/** Sends an operation with the session's access token, unless the headers pane sets Authorization. */
export function createFetcher(session: Session) {
  return async (
    { query, operationName, variables }: Parameters,
    { headers = {} }: { headers?: Record<string, string> } = {},
  ) => {
    const send = (token: string | null) =>
      fetch(ENDPOINT, {
        method: "POST",
        headers: {
          Accept: "application/graphql-response+json",
          "Content-Type": "application/json",
          "X-Requested-With": "GraphiQL",
          ...(token && { Authorization: `Bearer ${token}` }),
          ...headers,
        },
        body: JSON.stringify({ query, operationName, variables }),
      });
    const own = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
    const token = own ? null : await session.token();
    const response = await send(token);
    const answer = await response.json();
    // Checks the code, because a gateway may change the status.
    const refused = !answer.data && answer.errors?.[0]?.extensions?.code === "UNAUTHENTICATED";
    const renewed = refused && token && (await session.renew(token));
    return renewed ? (await send(renewed)).json() : answer;
  };
}

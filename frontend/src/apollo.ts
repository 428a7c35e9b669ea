/** Apollo Client with a session. Copy `sessionLink` along with session.ts. */
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  ServerError,
} from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { ErrorLink } from "@apollo/client/link/error";
import { relayStylePagination } from "@apollo/client/utilities";
import { from, mergeMap, throwError } from "rxjs";
import type { Session } from "./session";

/** True for HTTP 401, in both forms in which Apollo reports it. */
export function isUnauthenticated(error: unknown): boolean {
  if (CombinedGraphQLErrors.is(error))
    return error.errors.some((e) => e.extensions?.code === "UNAUTHENTICATED");
  return ServerError.is(error) && error.statusCode === 401;
}

/** Sends the access token, refreshed before the first operation. On 401 it refreshes and retries once. */
export function sessionLink(session: Session): ApolloLink {
  const authorize = new SetContextLink(async ({ headers }) => {
    const token = await session.token();
    return token ? { headers: { ...headers, authorization: `Bearer ${token}` } } : {};
  });
  const retry = new ErrorLink(({ error, operation, forward }) => {
    const sent: string | undefined = operation.getContext().headers?.authorization;
    // An operation sent signed out is not repeated as a user who has signed in since.
    if (!sent || !isUnauthenticated(error)) return;
    return from(session.renew(sent.replace("Bearer ", ""))).pipe(
      mergeMap((token) => (token ? forward(operation) : throwError(() => error))),
    );
  });
  return ApolloLink.from([retry, authorize]);
}

export function createClient(session: Session, uri = "/graphql"): ApolloClient {
  const http = new HttpLink({ uri, credentials: "include", headers: { "Apollo-Require-Preflight": "true" } });
  return new ApolloClient({
    link: sessionLink(session).concat(http),
    cache: new InMemoryCache({
      typePolicies: {
        Query: { fields: { users: relayStylePagination() } },
        Account: { fields: { securityEvents: relayStylePagination() } },
      },
    }),
  });
}

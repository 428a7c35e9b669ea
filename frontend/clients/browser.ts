/** What a page of the service's own origin has, as far as session.ts needs it: cookies, an Origin and localStorage. */
import { vi } from "vitest";

export interface Operation {
  name: string | undefined;
  body: { query?: string; extensions?: { persistedQuery?: unknown } };
  status: number;
  authorization: string | null;
}

/** What happens to the next answer to an operation of that name, before the page has it. */
export const next = new Map<string, (response: Response) => Promise<Response>>();

/** Every operation that is sent from now on. */
export function becomePage(url: string): Operation[] {
  const operations: Operation[] = [];
  const marks = new Map<string, string>();
  const cookies = new Map<string, string>();
  const send = globalThis.fetch;
  process.env.GRAPHQL_URL = `${url}/graphql`;
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => marks.get(key) ?? null,
    setItem: (key: string, value: string) => void marks.set(key, value),
    removeItem: (key: string) => void marks.delete(key),
  });
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("Origin", url);
    if (init.credentials === "include")
      headers.set("Cookie", [...cookies].map((pair) => pair.join("=")).join("; "));
    const response = await send(input, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [name = "", value = ""] = line.split(";")[0]!.split("=");
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const body = JSON.parse(String(init.body));
    const name = /\{\s*(?:payload: )?(\w+)/.exec(body.query ?? "")?.[1];
    operations.push({ name, body, status: response.status, authorization: headers.get("Authorization") });
    const change = next.get(name!);
    next.delete(name!);
    return change ? change(response) : response;
  });
  return operations;
}

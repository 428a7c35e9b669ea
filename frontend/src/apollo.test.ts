// @vitest-environment node
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { beforeEach, expect, test, vi } from "vitest";
import { sessionLink } from "./apollo";
import { createSession, type Session, type Tokens } from "./session";

const QUERY = gql`
  query Viewer {
    me {
      id
    }
  }
`;
const REFUSED = JSON.stringify({
  errors: [{ message: "Sign in.", extensions: { code: "UNAUTHENTICATED" } }],
});

let session: Session;
let refresh: ReturnType<typeof vi.fn<() => Promise<Tokens | null>>>;
let sent: (string | null)[];
let accepted: string | null;
let refusal: ResponseInit & { body: string };

beforeEach(() => {
  vi.stubGlobal("BroadcastChannel", undefined);
  const marks = new Map([["session", "1"]]);
  const store = {
    getItem: (key: string) => marks.get(key) ?? null,
    setItem: (key: string, value: string) => void marks.set(key, value),
    removeItem: (key: string) => void marks.delete(key),
  };
  refresh = vi.fn(async () => ({ accessToken: "new", expiresIn: 900 }));
  session = createSession({ refresh, revoke: async () => {} }, "session", store);
  sent = [];
  accepted = "Bearer new";
  refusal = { status: 401, headers: { "Content-Type": "application/graphql-response+json" }, body: REFUSED };
});

function query() {
  const http = new HttpLink({
    uri: "http://service.example/graphql",
    fetch: async (_url, init) => {
      const authorization = new Headers(init!.headers).get("authorization");
      sent.push(authorization);
      await new Promise((resolve) => setTimeout(resolve, 60));
      if (authorization !== accepted) return new Response(refusal.body, refusal);
      return new Response('{"data": {"me": null}}', { headers: { "Content-Type": "application/json" } });
    },
  });
  return new ApolloClient({
    link: ApolloLink.from([sessionLink(session), http]),
    cache: new InMemoryCache(),
  }).query({ query: QUERY });
}

test("the first operation waits for the refresh", async () => {
  expect((await query()).data).toEqual({ me: null });
  expect(sent).toEqual(["Bearer new"]);
});

test.each([
  ["GraphQL over HTTP", { "Content-Type": "application/graphql-response+json" }, REFUSED],
  ["plain JSON", { "Content-Type": "application/json" }, REFUSED],
  ["a proxy's page", { "Content-Type": "text/html" }, "<h1>401</h1>"],
])("a 401 as %s is refreshed, and sent once more", async (_kind, headers, body) => {
  refusal = { status: 401, headers, body };
  session.start({ accessToken: "old", expiresIn: 900 });
  expect((await query()).data).toEqual({ me: null });
  expect(sent).toEqual(["Bearer old", "Bearer new"]);
  expect(refresh).toHaveBeenCalledOnce();
});

test("the operation is retried once only", async () => {
  accepted = "Bearer never";
  session.start({ accessToken: "old", expiresIn: 900 });
  await expect(query()).rejects.toThrow("Sign in.");
  expect(sent).toEqual(["Bearer old", "Bearer new"]);
});

test("without a new token the 401 is returned", async () => {
  refresh.mockResolvedValue(null);
  session.start({ accessToken: "old", expiresIn: 900 });
  await expect(query()).rejects.toThrow("Sign in.");
  expect(sent).toEqual(["Bearer old"]);
  expect(session.isActive()).toBe(false);
});

test("other errors pass through", async () => {
  refusal = { status: 500, headers: { "Content-Type": "text/html" }, body: "" };
  session.start({ accessToken: "old", expiresIn: 900 });
  await expect(query()).rejects.toThrow();
  expect(sent).toEqual(["Bearer old"]);
  expect(refresh).not.toHaveBeenCalled();
});

test("an operation sent signed out is not repeated as a user who signed in since", async () => {
  await session.end();
  const answer = query();
  await vi.waitFor(() => expect(sent).toEqual([null]));
  session.start({ accessToken: "new", expiresIn: 900, account: "B" });
  await expect(answer).rejects.toThrow("Sign in.");
  expect(sent).toEqual([null]);
});

test("an operation of one user is not repeated with another user's token", async () => {
  session.start({ accessToken: "of A", expiresIn: 900, account: "A" });
  const answer = query();
  await vi.waitFor(() => expect(sent).toEqual(["Bearer of A"]));
  session.start({ accessToken: "new", expiresIn: 900, account: "B" });
  await expect(answer).rejects.toThrow("Sign in.");
  expect(sent).toEqual(["Bearer of A"]);
});

test("a 401 that a gateway turned into a 200 is retried too", async () => {
  refusal = { status: 200, headers: { "Content-Type": "application/json" }, body: REFUSED };
  session.start({ accessToken: "old", expiresIn: 900 });
  expect((await query()).data).toEqual({ me: null });
  expect(sent).toEqual(["Bearer old", "Bearer new"]);
});

test("signed out, operations carry no token", async () => {
  await session.end();
  accepted = null;
  await query();
  expect(sent).toEqual([null]);
});

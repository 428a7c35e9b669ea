/** The clients as docs/clients.md sets them up: an expired token, a refused one, error codes, persisted queries, and what
 *  the next person sees. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { fetchExchange, Client as UrqlClient } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { ClientError } from "graphql-request";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { PASSWORD, startService, type Service } from "../e2e/service";
import { becomePage, next, type Operation } from "./browser";

const LIFETIME = 2; // seconds
const ME = "query Me { me { email } }";
const BAD = "query Bad { users(first: 1000) { nodes { id } } }";
const expired = () => new Promise((resolve) => setTimeout(resolve, LIFETIME * 1000 + 100));

let service: Service;
let operations: Operation[];
const names = () => operations.map(({ name }) => name);

beforeAll(async () => {
  service = await startService({ ACCESS_TOKEN_LIFETIME: String(LIFETIME), ACCESS_TOKEN_JITTER: "0" });
  operations = becomePage(service.url);
  await service.register("ada");
  await service.register("bea");
  const { signIn } = await import("./__generated__/fetch");
  expect(await signIn("ada@example.com", "wrong")).toMatchObject([{ code: "INVALID_CREDENTIALS" }]);
  expect(await signIn("ada@example.com", PASSWORD)).toEqual([]);
});
afterAll(() => service?.stop());
beforeEach(() => void operations.splice(0));

/** `run` gives `data`; `code` gives the code of a failure. */
function journey(run: (query: string) => Promise<unknown>, code: (query: string) => Promise<unknown>) {
  const signedIn = { me: { email: "ada@example.com" } };

  test("an expired token is refreshed before it is sent", async () => {
    await expired();
    expect(await Promise.all([run(ME), run(ME)])).toMatchObject([signedIn, signedIn]);
    expect(names().filter((name) => name === "refreshToken")).toHaveLength(1);
    expect(operations.map(({ status }) => status)).not.toContain(401);
  });

  test("a refused token is refreshed, and the operation is retried", async () => {
    const { session } = await import("./__generated__/auth");
    session.start({ accessToken: "not-a-token", expiresIn: 900 });
    expect(await run(ME)).toMatchObject(signedIn);
    expect(names()).toEqual(["me", "refreshToken", "me"]);
  });

  test("a 401 that a gateway turned into a 200 is recognised", async () => {
    const { session } = await import("./__generated__/auth");
    session.start({ accessToken: "not-a-token", expiresIn: 900 });
    next.set("me", async (response) => {
      const headers = { "Content-Type": "application/json" };
      return new Response(await response.text(), { status: 200, headers });
    });
    expect(await run(ME)).toMatchObject(signedIn);
    expect(names()).toEqual(["me", "refreshToken", "me"]);
  });

  test("the client exposes the error code", async () => {
    expect(await code(BAD)).toBe("BAD_USER_INPUT");
  });
}

/** `read` asks as pages do: the cache answers when it can. */
function belongsToOnePerson(read: (query: string) => Promise<unknown>, { caches = true } = {}) {
  const sees = (name: string) => ({ me: { email: `${name}@example.com` } });
  const enter = async (name: string) => {
    const { signIn } = await import("./__generated__/fetch");
    expect(await signIn(`${name}@example.com`, PASSWORD)).toEqual([]);
  };

  test("the next user does not see the previous user's data", async () => {
    const { session } = await import("./__generated__/auth");
    await enter("ada");
    expect([await read(ME), await read(ME)]).toMatchObject([sees("ada"), sees("ada")]);
    expect(names().filter((name) => name === "me")).toHaveLength(caches ? 1 : 2);
    await session.end();
    await enter("bea");
    expect(await read(ME)).toMatchObject(sees("bea"));
    // Over a session that has not ended.
    await enter("ada");
    expect(await read(ME)).toMatchObject(sees("ada"));
  });

  test("the same holds after another application signs another user in", async () => {
    const { GRAPHQL, session } = await import("./__generated__/auth");
    await enter("ada");
    expect(await read(ME)).toMatchObject(sees("ada"));
    const input = { email: "bea@example.com", password: PASSWORD, refreshTokenTransport: "COOKIE" };
    await fetch(GRAPHQL, {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json", "X-Requested-With": "other" },
      body: JSON.stringify({
        query: "mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { errors { code } } }",
        variables: { input },
      }),
    });
    await expired();
    await session.token();
    expect(await read(ME)).toMatchObject(sees("bea"));
    await enter("ada");
  });

  test("a late response does not reach the next user", async () => {
    await enter("bea");
    let release = () => {};
    next.set("me", (response) => new Promise((resolve) => (release = () => resolve(response))));
    const late = read(ME).catch(() => {});
    await vi.waitFor(() => expect(names()).toContain("me"));
    await enter("ada");
    const mine = read(ME);
    release();
    expect(await mine).toMatchObject(sees("ada"));
    await late;
    expect(await read(ME)).toMatchObject(sees("ada"));
  });

  test("a refused operation is not retried with another user's token", async () => {
    const { session } = await import("./__generated__/auth");
    session.start({ accessToken: "not-a-token", expiresIn: 900, account: "bea" });
    next.set("me", async (response) => (await enter("ada"), response));
    await read("query Late { me { email } }").catch(() => {});
    expect(names().slice(0, 2)).toEqual(["me", "tokenAuth"]);
    for (const { name, authorization } of operations)
      if (name === "me") expect([null, "Bearer not-a-token"]).toContain(authorization);
  });
}

describe("fetch", () => {
  const client = () => import("./__generated__/fetch");
  journey(
    async (query) => (await (await client()).graphql(query)).data,
    async (query) => (await (await client()).graphql(query)).errors[0].extensions.code,
  );
  belongsToOnePerson(async (query) => (await (await client()).graphql(query)).data, { caches: false });
});

describe("Apollo Client", () => {
  const client = async () => (await import("./__generated__/apollo-client")).client;
  const run = async (query: string) =>
    (await (await client()).query({ query: gql(query), fetchPolicy: "no-cache" })).data;
  journey(run, (query) =>
    run(query).catch((error) => CombinedGraphQLErrors.is(error) && error.errors[0]?.extensions?.code),
  );
  belongsToOnePerson(async (query) => (await (await client()).query({ query: gql(query) })).data);

  test("persisted queries: the text is sent once", async () => {
    const [{ persisted }, { sessionLink }, { session }] = await Promise.all([
      import("./__generated__/apollo-persisted"),
      import("./__generated__/apollo"),
      import("./__generated__/auth"),
    ]);
    const http = new HttpLink({ uri: `${service.url}/graphql`, credentials: "include" });
    const link = sessionLink(session).concat(persisted).concat(http);
    const ask = () =>
      new ApolloClient({ link, cache: new InMemoryCache() }).query({
        query: gql`
          query PersistedByApollo {
            me {
              email
            }
          }
        `,
      });
    await session.token();
    operations.splice(0);
    expect((await ask()).data).toMatchObject({ me: { email: "ada@example.com" } });
    expect((await ask()).data).toMatchObject({ me: { email: "ada@example.com" } });
    expect(operations.map(({ body }) => Boolean(body.query))).toEqual([false, true, false]);
  });
});

describe("urql", () => {
  const client = async () => (await import("./__generated__/urql-client")).client;
  const run = async (query: string) =>
    (await client()).query(query, {}, { requestPolicy: "network-only" }).toPromise();
  journey(
    async (query) => (await run(query)).data,
    async (query) => (await run(query)).error?.graphQLErrors[0]?.extensions.code,
  );
  belongsToOnePerson(async (query) => (await (await client()).query(query, {}).toPromise()).data);

  test("a client kept after its user has left reads nothing from its cache", async () => {
    const { signIn } = await import("./__generated__/fetch");
    const kept = await client();
    expect((await kept.query(ME, {}).toPromise()).data).toMatchObject({ me: { email: "ada@example.com" } });
    await signIn("bea@example.com", PASSWORD);
    expect((await kept.query(ME, {}).toPromise()).data).toEqual({ me: null });
    await signIn("ada@example.com", PASSWORD);
  });

  test("persisted queries: the text is sent once", async () => {
    const [{ auth }, { session }] = await Promise.all([
      import("./__generated__/urql-client"),
      import("./__generated__/auth"),
    ]);
    const make = () =>
      new UrqlClient({
        url: `${service.url}/graphql`,
        preferGetMethod: false,
        exchanges: [
          auth,
          persistedExchange({ enforcePersistedQueries: false, preferGetForPersistedQueries: false }),
          fetchExchange,
        ],
      });
    const ask = async () =>
      (await make().query("query PersistedByUrql { me { email } }", {}).toPromise()).data;
    await session.token();
    operations.splice(0);
    expect(await ask()).toMatchObject({ me: { email: "ada@example.com" } });
    expect(await ask()).toMatchObject({ me: { email: "ada@example.com" } });
    expect(operations.map(({ body }) => Boolean(body.query))).toEqual([false, true, false]);
  });
});

describe("graphql-request", () => {
  const run = async (query: string) =>
    (await import("./__generated__/request-client")).client.request<object>(query);
  journey(run, (query) =>
    run(query).catch((error) => error instanceof ClientError && error.response.errors?.[0]?.extensions.code),
  );
  belongsToOnePerson(run, { caches: false });
});

describe("axios", () => {
  const ask = async (query: string) => {
    const { api } = await import("./__generated__/axios-client");
    // In browsers it has another adapter, which the page that these tests play does not.
    api.defaults.adapter = "fetch";
    api.defaults.env = { fetch, Request: null!, Response: null! } as never;
    return (await api.post("/graphql", { query })).data;
  };
  journey(
    async (query) => (await ask(query)).data,
    async (query) => (await ask(query)).errors[0].extensions.code,
  );
  belongsToOnePerson(async (query) => (await ask(query)).data, { caches: false });
});

describe("docs/from-rest.md", () => {
  test("a provider's token signs in, and signing out ends the session", async () => {
    const [{ convertToken, signIn, signOut }, { graphql }] = await Promise.all([
      import("./__generated__/rest-sign-in"),
      import("./__generated__/fetch"),
    ]);
    expect(await convertToken("google-oauth2", "nobody's")).toMatchObject([{ code: "PROVIDER_REJECTED" }]);
    expect(await convertToken("google-oauth2", service.google.accessToken)).toEqual([]);
    expect((await graphql(ME)).data).toEqual({ me: { email: "gina@example.com" } });
    await signOut();
    expect((await graphql(ME)).data).toEqual({ me: null });
    expect(await signIn("ada@example.com", PASSWORD)).toEqual([]);
  });
});

describe("TanStack Query", () => {
  const ask = async (query: string, staleTime: number) => {
    const { client, read } = await import("./__generated__/tanstack-client");
    return client.fetchQuery({ queryKey: [query], queryFn: () => read(query), staleTime });
  };
  journey(
    (query) => ask(query, 0),
    (query) => ask(query, 0).catch(({ code }) => code),
  );
  belongsToOnePerson((query) => ask(query, Infinity));
});

describe("Python gql", () => {
  test("an expired token, error codes, a wrong password", async () => {
    const python = process.env.GQL_PYTHON ?? `${import.meta.dirname}/../../.venv/bin/python`;
    const { stdout } = await promisify(execFile)(
      python,
      [`${import.meta.dirname}/gql_journey.py`, String(LIFETIME)],
      {
        env: { ...process.env, PYTHONPATH: `${import.meta.dirname}/__generated__`, PASSWORD },
      },
    );
    expect(JSON.parse(stdout)).toEqual({
      me: ["ada@example.com", "ada@example.com"],
      refreshed: true,
      code: "BAD_USER_INPUT",
      wrong: ["INVALID_CREDENTIALS"],
    });
  });
});

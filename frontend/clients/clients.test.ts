/** The clients as docs/clients.md sets them up: an expired token, a refused one, error codes, persisted queries. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { fetchExchange, Client as UrqlClient } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { ClientError } from "graphql-request";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PASSWORD, startService, type Service } from "../e2e/service";
import { becomePage, type Operation } from "./browser";

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

  test("a refused token is refreshed, and the operation is sent once more", async () => {
    const { session } = await import("./__generated__/auth");
    session.start({ accessToken: "not-a-token", expiresIn: 900 });
    expect(await run(ME)).toMatchObject(signedIn);
    expect(names()).toEqual(["me", "refreshToken", "me"]);
  });

  test("the code of an error arrives", async () => {
    expect(await code(BAD)).toBe("BAD_USER_INPUT");
  });
}

describe("fetch", () => {
  const client = () => import("./__generated__/fetch");
  journey(
    async (query) => (await (await client()).graphql(query)).data,
    async (query) => (await (await client()).graphql(query)).errors[0].extensions.code,
  );
});

describe("Apollo Client", () => {
  const client = async () => (await import("./__generated__/apollo-client")).client;
  const run = async (query: string) =>
    (await (await client()).query({ query: gql(query), fetchPolicy: "no-cache" })).data;
  journey(run, (query) =>
    run(query).catch((error) => CombinedGraphQLErrors.is(error) && error.errors[0]?.extensions?.code),
  );

  test("persisted queries: the text goes along once", async () => {
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

  test("persisted queries: the text goes along once", async () => {
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

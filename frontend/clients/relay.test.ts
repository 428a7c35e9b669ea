/** Relay as docs/clients.md sets it up, on a service that runs nothing but what relay-compiler has written. */
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createOperationDescriptor, fetchQuery } from "relay-runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PASSWORD, startService, type Service } from "../e2e/service";
import { becomePage, type Operation } from "./browser";

const LIFETIME = 2; // seconds
const REGISTER =
  "mutation ($input: RegisterInput!) { register(input: $input) { tokens { accessToken expiresIn } errors { code } } }";
// What session.ts sends, as the page says.
const REFRESH =
  "mutation { payload: refreshToken { tokens { accessToken expiresIn } account { id } errors { code message } } }";

let service: Service;
let operations: Operation[];

beforeAll(async () => {
  const manifest = JSON.parse(
    await readFile(`${import.meta.dirname}/relay/__generated__/persisted.json`, "utf8"),
  );
  const file = `${tmpdir()}/latchkey-trusted-${process.pid}.json`;
  await writeFile(file, JSON.stringify({ ...manifest, register: REGISTER, refresh: REFRESH }));
  service = await startService({
    TRUSTED_DOCUMENTS: file,
    ACCESS_TOKEN_LIFETIME: String(LIFETIME),
    ACCESS_TOKEN_JITTER: "0",
  });
  operations = becomePage(service.url);
  const [{ graphql }, { session }] = await Promise.all([
    import("./__generated__/fetch"),
    import("./__generated__/auth"),
  ]);
  for (const username of ["ada", "bea", "cleo"]) {
    const input = { username, email: `${username}@example.com`, firstName: username, password: PASSWORD };
    const { data } = await graphql(REGISTER, { input: { ...input, refreshTokenTransport: "COOKIE" } });
    session.start(data.register.tokens);
  }
});
afterAll(() => service?.stop());

test("pages through users with an expired and with a refused token", async () => {
  const [{ environment }, { session }, { default: page }, { default: more }] = await Promise.all([
    import("./__generated__/relay-environment"),
    import("./__generated__/auth"),
    import("./relay/__generated__/usersPageQuery.graphql"),
    import("./relay/__generated__/usersListQuery.graphql"),
  ]);
  const source = environment.getStore().getSource();
  const records = (type: string) =>
    source
      .getRecordIDs()
      .map((id) => source.get(id)!)
      .filter(({ __typename }) => __typename === type);

  await new Promise((resolve) => setTimeout(resolve, LIFETIME * 1000 + 100));
  operations.splice(0);
  await fetchQuery(environment, page, {}).toPromise();
  expect(records("User")).toHaveLength(2);
  expect(operations.map(({ body, status }) => [body.query, status])).toEqual([
    [REFRESH, 200],
    [undefined, 200],
  ]);

  session.start({ accessToken: "not-a-token", expiresIn: 900 });
  operations.splice(0);
  const after = records("PageInfo")[0]!.endCursor;
  await fetchQuery(environment, more, { after, first: 2 }).toPromise();
  expect(records("User").map(({ username }) => username)).toEqual(["cleo", "bea", "ada"]);
  expect(operations.map(({ status }) => status)).toEqual([401, 200, 200]);
});

test("the next user does not see the previous user's data", async () => {
  const relay = await import("./__generated__/relay-environment");
  const [{ session }, { default: page }] = await Promise.all([
    import("./__generated__/auth"),
    import("./relay/__generated__/usersPageQuery.graphql"),
  ]);
  const kept = relay.environment;
  const operation = createOperationDescriptor(page, {});
  await fetchQuery(kept, page, {}).toPromise();
  kept.retain(operation);
  expect(kept.check(operation).status).toBe("available");

  session.start({ accessToken: session.current()!, expiresIn: 900, account: "somebody else" });
  expect(relay.environment.check(operation).status).toBe("missing");
  expect(kept.check(operation).status).toBe("stale");
});

test("other operations are refused", async () => {
  const { graphql } = await import("./__generated__/fetch");
  expect((await graphql("{ me { id } }")).errors[0].extensions.code).toBe("FORBIDDEN");
});

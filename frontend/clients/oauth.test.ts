/** The OAuth libraries as docs/oauth.md sets them up, against a real server. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PASSWORD, startService, type Service } from "../e2e/service";

const SIGN_IN = `mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { tokens { refreshToken } } }`;
const MACHINE = `from accounts.models import Client
Client.objects.filter(client_id="machine").update(authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS)`;

interface Library {
  refresh(refreshToken: string): Promise<{ access_token?: unknown; refresh_token?: unknown }>;
  revoke(token: string): Promise<unknown>;
  introspect(token: string): Promise<{ active: boolean; client_id?: unknown; sub?: unknown }>;
  machineToken(): Promise<{ access_token?: unknown }>;
}

let service: Service;
let refreshToken: () => Promise<string>;
let opens: (token: string) => Promise<boolean>;

beforeAll(async () => {
  service = await startService();
  await service.register("ada");
  const secret = async (id: string) =>
    (await service.manage("ensure_client", "--client-id", id, "--confidential")).trim().split(" ").at(-1)!;
  process.env.SERVER_SECRET = await secret("server");
  process.env.MACHINE_SECRET = await secret("machine");
  await service.manage("shell", "-c", MACHINE);
  process.env.ISSUER = service.url;
  process.env.GRAPHQL_URL = `${service.url}/graphql`;
  refreshToken = async () => {
    const answer = await service.post(SIGN_IN, { input: { email: "ada@example.com", password: PASSWORD } });
    return (await answer.json()).data.tokenAuth.tokens.refreshToken;
  };
  opens = async (token) =>
    (await service.post("{ me { id } }", {}, { Authorization: `Bearer ${token}` })).ok;
});
afterAll(() => service?.stop());

/** `code` finds RFC 6749's error code in what the library throws. */
function journey(load: () => Promise<Library>, code: (error: any) => unknown) {
  test("a public client refreshes and revokes, a confidential one introspects", async () => {
    const { refresh, revoke, introspect } = await load();
    const tokens = await refresh(await refreshToken());
    const [access, next] = [String(tokens.access_token), String(tokens.refresh_token)];
    expect(await opens(access)).toBe(true);
    expect(await introspect(access)).toMatchObject({ active: true, client_id: "web", sub: expect.any(String) });
    await revoke(next);
    expect(await opens(access)).toBe(false);
    expect(await introspect(access)).toEqual({ active: false });
    expect(await refresh(next).catch(code)).toBe("invalid_grant");
  });

  test("the client credentials grant returns a token without an account", async () => {
    const { introspect, machineToken } = await load();
    const token = String((await machineToken()).access_token);
    const claims = await introspect(token);
    expect(claims).toMatchObject({ active: true, client_id: "machine" });
    expect(claims).not.toHaveProperty("sub");
    expect(await opens(token)).toBe(false);
  });
}

describe("openid-client", () => journey(() => import("./__generated__/oauth-openid-client"), (error) => error.error));

describe("oauth4webapi", () => journey(() => import("./__generated__/oauth-oauth4webapi"), (error) => error.error));

describe("simple-oauth2", () =>
  journey(
    async () => ({
      ...(await import("./__generated__/oauth-oauth4webapi")), // It does not introspect.
      ...(await import("./__generated__/oauth-simple-oauth2")),
    }),
    (error) => error.data.payload.error,
  ));

test.each(["oauth_authlib", "oauth_requests_oauthlib"])("Python: %s", async (module) => {
  const python = `${import.meta.dirname}/../../.venv/bin/python`;
  const { stdout } = await promisify(execFile)(python, [`${import.meta.dirname}/oauth_journey.py`, module], {
    env: {
      ...process.env,
      PYTHONPATH: `${import.meta.dirname}/__generated__`,
      REFRESH_TOKEN: await refreshToken(),
    },
  });
  expect(JSON.parse(stdout)).toEqual({
    refreshed: true,
    active: [true, false],
    revoked: true,
    error: "invalid_grant",
    machine: [true, "machine", false],
  });
});

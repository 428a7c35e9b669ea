/** docs/react-native.md, without a phone: no cookies, no Origin, no localStorage. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { PASSWORD, startService, type Service } from "../e2e/service";

let service: Service;

beforeAll(async () => {
  service = await startService();
  await service.register("ada");
  process.env.GRAPHQL_URL = `${service.url}/graphql`;
  vi.stubGlobal("BroadcastChannel", undefined);
});
afterAll(() => service?.stop());

const start = () => import("./__generated__/native-auth"); // the app, as if it had been started again
const me = async (token: string | null) =>
  (
    await (
      await service.post("{ me { email } }", {}, token ? { Authorization: `Bearer ${token}` } : {})
    ).json()
  ).data.me;

test("signs in, and restores the session at the next start", async () => {
  const kept = await import("expo-secure-store");
  vi.doMock("expo-secure-store", () => kept); // what is stored outlives the app
  const first = await start();
  expect(await first.session.token()).toBeNull();
  expect(await first.signIn("ada@example.com", "wrong")).toMatchObject([{ code: "INVALID_CREDENTIALS" }]);
  expect(await first.signIn("ada@example.com", PASSWORD)).toEqual([]);
  expect(await me(await first.session.token())).toEqual({ email: "ada@example.com" });

  vi.resetModules();
  const second = await start();
  const token = await second.session.token();
  expect(token).not.toBe(await first.session.token());
  expect(await me(token)).toEqual({ email: "ada@example.com" });

  await second.session.end();
  expect(await second.session.token()).toBeNull();
  vi.resetModules();
  expect(await (await start()).session.token()).toBeNull();
});

/** docs/react-native.md and the passkeys of docs/second-factors.md, without a phone: no cookies, no Origin, no localStorage. */
import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { PASSWORD, startService, type Service } from "../e2e/service";
import { FINGERPRINT } from "./react-native-passkeys";

let service: Service;

beforeAll(async () => {
  const fingerprint = FINGERPRINT.toString("hex").replace(/..(?=.)/g, "$&:");
  service = await startService({ ANDROID_APPS: `com.example.app=${fingerprint}` });
  await service.register("ada");
  process.env.GRAPHQL_URL = `${service.url}/graphql`;
  vi.stubGlobal("BroadcastChannel", undefined);
});
afterAll(() => service?.stop());
afterEach(() => void vi.resetModules());

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
  const refused = await first.signIn("ada@example.com", "wrong");
  expect(refused.errors).toMatchObject([{ code: "INVALID_CREDENTIALS" }]);
  expect(await first.signIn("ada@example.com", PASSWORD)).toEqual({ challenge: null, errors: [] });
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

test("adds a passkey, and signs in with it", async () => {
  const app = await start();
  const passkeys = await import("./__generated__/native-passkeys");
  const { cancelOnce } = await import("./react-native-passkeys");
  await service.register("grace");
  await service.verify("grace");
  await app.signIn("grace@example.com", PASSWORD);
  expect(await passkeys.addPasskey("Phone")).toEqual([]);
  await app.session.end();

  cancelOnce();
  expect(await passkeys.signInWithPasskey()).toMatchObject({ errors: [{ code: "CANCELLED" }] });
  expect(await passkeys.signInWithPasskey()).toEqual({ challenge: null, errors: [] });
  expect(await me(await app.session.token())).toEqual({ email: "grace@example.com" });
});

/** RFC 6238, as an authenticator app has it. */
function codeOf(secret: string, step = Math.floor(Date.now() / 30_000)): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", key).update(counter).digest();
  const number = digest.readUInt32BE(digest.at(-1)! & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

test("answers the challenge of a second factor", async () => {
  const app = await start();
  const { answerWithCode } = await import("./__generated__/native-passkeys");
  await service.register("alan");
  await service.verify("alan");
  await app.signIn("alan@example.com", PASSWORD);
  const token = await app.session.token();
  const begin = "createTotpEnrollment(input: $input) { enrollment { token secret } errors { code } }";
  const { enrollment } = await app.mutate(begin, "CreateTotpEnrollmentInput", {}, token);
  const confirm = "confirmTotpEnrollment(input: $input) { errors { code } }";
  const input = { challengeToken: enrollment.token, code: codeOf(enrollment.secret) };
  expect((await app.mutate(confirm, "ConfirmTotpEnrollmentInput", input, token)).errors).toEqual([]);
  await app.session.end();

  const { challenge, errors } = await app.signIn("alan@example.com", PASSWORD);
  expect(errors).toMatchObject([{ code: "MFA_REQUIRED" }]);
  expect(challenge.methods).toEqual(["TOTP", "RECOVERY_CODE"]);
  const next = codeOf(enrollment.secret, Math.floor(Date.now() / 30_000) + 1); // the present one counted already
  expect(await answerWithCode(challenge.token, next)).toMatchObject({ errors: [] });
  expect(await me(await app.session.token())).toEqual({ email: "alan@example.com" });
});

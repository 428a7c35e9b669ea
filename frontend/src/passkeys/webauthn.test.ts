import { afterEach, expect, test, vi } from "vitest";
import { browser, passkey, refuse, silence } from "./browser";
import { isSupported } from "./supported";
import { answer, make, stop, tellAccepted } from "./webauthn";

const CEREMONY = {
  __typename: "PasskeyCeremony" as const,
  token: "token",
  expiresIn: 300,
  options: { challenge: "c", timeout: 60_000 },
};
const textOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "no failure",
    ({ failures }) => failures[0].message as string,
  );
const settled = () => new Promise<void>((resolve) => setTimeout(resolve));

afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("an answer goes to the service as JSON, with the token of its ceremony", async () => {
  browser({ get: passkey("a"), create: passkey("b") });
  expect(await answer(CEREMONY)).toEqual({ challengeToken: "token", response: { id: "a", answers: "c" } });
  expect(await make(CEREMONY)).toEqual({ challengeToken: "token", response: { id: "b", answers: "c" } });
});

test.each([
  ["NotAllowedError", "No passkey was used: it was cancelled"],
  ["SecurityError", "Passkeys do not work at this address."],
  ["NotReadableError", "This browser could not use a passkey."],
])("%s says what to do when a passkey is used", async (name, text) => {
  browser({ get: refuse(name) });
  expect(await textOf(answer(CEREMONY))).toContain(text);
});

test.each([
  ["NotAllowedError", "No passkey was made: it was cancelled"],
  ["InvalidStateError", "has a passkey for your account already"],
  ["NotSupportedError", "cannot make a passkey that works here"],
  ["ConstraintError", "without a screen lock"],
])("%s says what to do when a passkey is made", async (name, text) => {
  browser({ create: refuse(name) });
  expect(await textOf(make(CEREMONY))).toContain(text);
});

test("browsers give no answer in time the name of a cancellation, but it is told apart", async () => {
  const slow = vi.spyOn(performance, "now").mockReturnValue(0);
  browser({ get: async (question) => (slow.mockReturnValue(60_000), refuse("NotAllowedError")(question)) });
  expect(await textOf(answer(CEREMONY))).toContain("not confirmed in time");
});

test("a question ends the one before, which is told nobody", async () => {
  const { asked } = browser({ suggest: silence, get: passkey("a") });
  const former = answer(CEREMONY, "conditional");
  await settled();
  expect(await answer(CEREMONY)).toMatchObject({ response: { id: "a" } });
  expect(await former).toBeNull();
  expect(asked).toEqual(["get silently", "get"]);
});

test("a question that was ended before the browser had it is not asked", async () => {
  const { asked } = browser({ get: silence });
  const former = answer(CEREMONY);
  stop();
  expect(await former).toBeNull();
  expect(asked).toEqual([]);
});

test("suggestions end with their ceremony", async () => {
  vi.useFakeTimers();
  browser({ suggest: silence });
  const suggested = answer(CEREMONY, "conditional");
  await vi.advanceTimersByTimeAsync(300_000);
  expect(await suggested).toBeNull();
});

test.each([
  ["localhost", true],
  ["www.example.com", true],
  ["127.0.0.1", false],
  ["[::1]", false],
])("at %s there are passkeys: %s", (hostname, are) => {
  browser();
  vi.spyOn(window.location, "hostname", "get").mockReturnValue(hostname);
  expect(isSupported()).toBe(are);
});

test("a browser without passkeys has none, and is told nothing", () => {
  vi.stubGlobal("PublicKeyCredential", undefined);
  expect(isSupported()).toBe(false);
  tellAccepted({
    __typename: "Account",
    id: "ada",
    passkeyUser: { __typename: "PasskeyUser", rpId: "example.com", userHandle: "handle" },
    passkeys: [],
  });
});

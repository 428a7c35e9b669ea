import { act, useState } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { SettleContext } from "../challenges";
import { alert, failure, press, render, type Sent } from "../testing";
import { browser, ceremony, passkey, refuse, silence } from "./browser";
import PasskeySignIn from "./sign-in";

const settle = vi.fn();
const signedIn = (...errors: object[]) => ({
  tokenAuthWithPasskey: {
    __typename: "AuthPayload",
    isNewAccount: false,
    tokens: null,
    account: null,
    challenge: null,
    errors,
  },
});
const begun = (...challenges: string[]) => challenges.map((name) => ceremony("createPasskeyAssertion", name));

beforeEach(() => void settle.mockReset().mockResolvedValue(true));

/** The sign-in page with a form for the password. */
const draw = (answers: Record<string, object | object[]>) =>
  render(
    <SettleContext value={settle}>
      <form onSubmit={(event) => event.preventDefault()}>
        <input name="email" />
        <button type="submit">Sign in</button>
      </form>
      <PasskeySignIn />
    </SettleContext>,
    answers,
  );
const settled = () => act(() => new Promise<void>((resolve) => setTimeout(resolve, 10)));
const names = (sent: Sent[]) => sent.map(({ name }) => name);
const turn = () => act(async () => document.querySelector("input")!.dispatchEvent(new Event("focusin", { bubbles: true })));

test("a passkey is among the suggestions from the start, and signs in when it is chosen", async () => {
  const { asked } = browser({ suggest: passkey("a") });
  const sent = await draw({ BeginPasskey: begun("one"), SignInWithPasskey: signedIn() });
  await settled();
  expect(asked).toEqual(["get silently"]);
  expect(names(sent)).toEqual(["BeginPasskey", "SignInWithPasskey"]);
  expect(sent[1]!.variables.input).toEqual({
    passkey: { challengeToken: "token of one", response: { id: "a", answers: "one" } },
    refreshTokenTransport: "COOKIE",
  });
  expect(settle).toHaveBeenCalledOnce();
  expect(alert()).toBe("");
});

test("the button asks with a ceremony of its own, and ends the suggestions", async () => {
  const { asked } = browser({ get: passkey("a") });
  const sent = await draw({ BeginPasskey: begun("one", "two", "three"), SignInWithPasskey: signedIn() });
  await settled();
  await press("Sign in with a passkey");
  await settled();
  expect(asked.slice(0, 2)).toEqual(["get silently", "get"]);
  expect(names(sent).slice(0, 3)).toEqual(["BeginPasskey", "BeginPasskey", "SignInWithPasskey"]);
  expect(sent[2]!.variables.input).toMatchObject({ passkey: { challengeToken: "token of two" } });
});

test("after a cancellation, the page says so and suggests again", async () => {
  const { asked } = browser({ get: refuse("NotAllowedError") });
  const sent = await draw({ BeginPasskey: begun("one", "two", "three") });
  await settled();
  await press("Sign in with a passkey");
  await settled();
  expect(alert()).toContain("No passkey was used");
  expect(asked).toEqual(["get silently", "get", "get silently"]);
  expect(names(sent)).toEqual(["BeginPasskey", "BeginPasskey", "BeginPasskey"]);
  expect(settle).not.toHaveBeenCalled();
});

test("the form for the password ends the suggestions, until somebody turns to a field", async () => {
  let isOpen = false;
  const { asked } = browser({
    suggest: (question) => ((isOpen = true), silence(question).finally(() => (isOpen = false))),
  });
  await draw({ BeginPasskey: begun("one", "two") });
  await settled();
  expect(isOpen).toBe(true);
  await press("Sign in");
  await settled();
  expect([isOpen, asked.length]).toEqual([false, 1]);
  await turn();
  await settled();
  expect([isOpen, asked.length]).toEqual([true, 2]);
});

test("suggestions end with the page", async () => {
  let isOpen = false;
  browser({ suggest: (question) => ((isOpen = true), silence(question).finally(() => (isOpen = false))) });
  function Pages() {
    const [isHere, setHere] = useState(true);
    return isHere ? (
      <>
        <PasskeySignIn />
        <button onClick={() => setHere(false)}>Leave</button>
      </>
    ) : null;
  }
  await render(
    <SettleContext value={settle}>
      <Pages />
    </SettleContext>,
    { BeginPasskey: begun("one") },
  );
  await settled();
  expect(isOpen).toBe(true);
  await press("Leave");
  await settled();
  expect(isOpen).toBe(false);
});

test.each([
  ["that the service does not know is forgotten", ["passkey", "response", "id"], true],
  ["whose answer was wrong is kept", ["passkey", "response"], false],
])("a passkey %s", async (_what, field, isForgotten) => {
  const { told } = browser({ get: passkey("a") });
  settle.mockResolvedValue(false);
  await draw({
    BeginPasskey: begun("one", "two", "three"),
    SignInWithPasskey: signedIn(failure("PASSKEY_REJECTED", "This passkey did not work here.", field)),
  });
  await press("Sign in with a passkey");
  await settled();
  expect(alert()).toBe("This passkey did not work here.");
  expect(told).toEqual(isForgotten ? [["unknown", { rpId: "example.com", credentialId: "a" }]] : []);
});

test("while it has to wait, nothing is suggested", async () => {
  const limited = {
    createPasskeyAssertion: {
      __typename: "Payload",
      ceremony: null,
      errors: [{ ...failure("RATE_LIMITED", "Too many attempts."), retryAfter: 60 }],
    },
  };
  const { asked } = browser();
  const sent = await draw({ BeginPasskey: limited });
  await press("Sign in with a passkey");
  await settled();
  await turn();
  await settled();
  expect(alert()).toBe("Too many attempts.");
  expect(asked).toEqual([]);
  expect(sent).toHaveLength(2);
});

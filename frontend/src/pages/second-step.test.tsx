import { act } from "react";
import { expect, test, vi } from "vitest";
import type { MfaMethod } from "../__generated__/graphql";
import { SettleContext } from "../challenges";
import { alert, failure, heading, offers, press, render, type } from "../testing";
import { SecondStep } from "./second-step";

const outcome = (change: object = {}) => ({
  AnswerMfa: {
    answerMfaChallenge: {
      __typename: "AuthPayload",
      tokens: null,
      account: null,
      isNewAccount: false,
      challenge: null,
      errors: [],
      ...change,
    },
  },
});
const failed = (code: string, change: object = {}) => outcome({ errors: [{ ...failure(code), ...change }] });
const settle = vi.fn();
const cancel = vi.fn();
const link = { __typename: "LinkChallenge" as const, token: "ticket", provider: "corp", email: "a@b", signInMethods: [] };

async function draw(answers: object = {}, methods: MfaMethod[] = ["TOTP", "RECOVERY_CODE"]) {
  settle.mockReset().mockImplementation(async ({ errors }) => errors.length === 0);
  cancel.mockReset();
  return render(
    <SettleContext value={settle}>
      <SecondStep
        challenge={{ __typename: "MfaChallenge", token: "challenge", methods, expiresIn: 600 }}
        link={link}
        onCancel={cancel}
      />
    </SettleContext>,
    { AuthConfig: offers(), ...answers },
  );
}
const labels = () => [...document.querySelectorAll("label")].map(({ textContent }) => textContent);
const buttons = () => [...document.querySelectorAll("button")].map(({ textContent }) => textContent);
const answered = (sent: Awaited<ReturnType<typeof draw>>) =>
  sent.filter(({ name }) => name === "AnswerMfa").map(({ variables }) => variables.input);

test("the code of the app is sent with the challenge, and what comes next is settled with the link", async () => {
  const sent = await draw(outcome());
  expect(heading()).toBe("Second step");
  const field = document.querySelector<HTMLInputElement>("[name=code]")!;
  expect([field.autocomplete, field.inputMode]).toEqual(["one-time-code", "numeric"]);
  type("code", "123456");
  await press("Sign in");
  expect(answered(sent)).toEqual([{ challengeToken: "challenge", factor: { totpCode: "123456" } }]);
  expect(settle).toHaveBeenCalledWith(outcome().AnswerMfa.answerMfaChallenge, link);
});

test("a recovery code takes the place of the app, and the focus follows", async () => {
  const sent = await draw(outcome());
  await press("Use a recovery code");
  expect(labels()).toEqual(["Recovery code"]);
  expect(document.activeElement).toBe(document.querySelector("[name=code]"));
  await press("Use a code of the app");
  expect(labels()).toEqual(["Code of the app"]);
  expect(document.activeElement).toBe(document.querySelector("[name=code]"));
  await press("Use a recovery code");
  type("code", "BCDF-GHJK-LMNP");
  await press("Sign in");
  expect(answered(sent)).toEqual([{ challengeToken: "challenge", factor: { recoveryCode: "BCDF-GHJK-LMNP" } }]);
});

test("only what the account has is offered", async () => {
  await draw({}, ["TOTP"]);
  expect(buttons()).toEqual(["Sign in", "Cancel"]);
  document.body.replaceChildren();
  await draw({}, ["RECOVERY_CODE"]);
  expect(labels()).toEqual(["Recovery code"]);
  document.body.replaceChildren();
  await draw({}, ["PASSKEY", "RECOVERY_CODE"]);
  expect(labels()).toEqual([]);
  expect(buttons()).toContain("Use a recovery code");
});

test("a wrong code shows at its field, which has the focus", async () => {
  await draw(failed("INVALID_CODE"));
  type("code", "000000");
  await press("Sign in");
  const field = document.querySelector("[name=code]")!;
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(document.activeElement).toBe(field);
  expect(document.querySelector(".error")!.textContent).toBe("This code is not correct, or it was used before.");
  expect(alert()).toBe("Please correct one field.");
});

test("a challenge that is over leads back to the sign-in", async () => {
  await draw(failed("INVALID_CHALLENGE"));
  type("code", "123456");
  await press("Sign in");
  expect(heading()).toBe("Please sign in again");
  expect(document.activeElement).toBe(document.querySelector("h1"));
  await press("Sign in again");
  expect(cancel).toHaveBeenCalledOnce();
});

test("after too many attempts the button waits", async () => {
  const sent = await draw(failed("RATE_LIMITED", { retryAfter: 60 }));
  type("code", "123456");
  await press("Sign in");
  expect(document.querySelector("[role=timer]")!.textContent).toBe("Try again in 1 minute.");
  await press("Sign in");
  expect(answered(sent)).toHaveLength(1);
});

test("the browser is remembered only if the service offers it, and the user asks for it", async () => {
  await draw();
  expect(document.querySelector("[type=checkbox]")).toBeNull();
  document.body.replaceChildren();
  const sent = await draw({ AuthConfig: offers({ rememberBrowserDays: 30 }), ...outcome() });
  expect(labels().at(-1)).toBe("Do not ask again in this browser for 30 days");
  await act(async () => document.querySelector<HTMLInputElement>("[type=checkbox]")!.click());
  type("code", "123456");
  await press("Sign in");
  expect(answered(sent)).toMatchObject([{ rememberBrowser: true }]);
});

import { act } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { SettleContext } from "../challenges";
import { failure, heading, links, offers, press, render, sessionOf, status, type } from "../testing";
import { SessionContext } from "../use-session";
import { ForgotPassword } from "./forgot-password";
import { Register } from "./register";
import { SignIn } from "./sign-in";
import { SignInCode } from "./sign-in-code";
import { SignInLink } from "./sign-in-link";

const settle = vi.fn();
const requested = (name: string, token: string) => ({
  [name]: { __typename: "Payload", mailedCode: { __typename: "MailedCode", token, expiresIn: 600 }, errors: [] },
});
const reset = (...errors: object[]) => ({ resetPassword: { __typename: "ResetPasswordPayload", errors } });
const outcome = (...errors: object[]) => ({
  tokenAuthWithCode: {
    __typename: "AuthPayload",
    isNewAccount: false,
    tokens: null,
    account: null,
    challenge: null,
    errors,
  },
});

beforeEach(() => {
  sessionStorage.clear();
  settle.mockReset().mockResolvedValue(false);
  history.replaceState(null, "", "/");
});

const draw = (page: React.ReactNode, answers: Record<string, object | object[]>, session = sessionOf()) =>
  render(
    <SessionContext value={session}>
      <SettleContext value={settle}>{page}</SettleContext>
    </SessionContext>,
    { AuthConfig: offers({ signInMethods: ["PASSWORD", "EMAIL_CODE"] }), ...answers },
  );
const texts = () => [...document.querySelectorAll("button")].map((button) => button.textContent);
const inputs = (sent: { name: string; variables: Record<string, unknown> }[], name: string) =>
  sent.filter((one) => one.name === name).map(({ variables }) => variables.input);

async function ask() {
  type("email", "ada@example.com");
  await press("Send the mail");
}

test("a password is chosen with the code of the newest mail", async () => {
  const session = sessionOf("B");
  const sent = await draw(
    <ForgotPassword />,
    {
      RequestPasswordReset: [requested("requestPasswordReset", "one"), requested("requestPasswordReset", "two")],
      ResetPassword: reset(),
    },
    session,
  );
  await ask();
  expect(heading()).toBe("Check your mail");
  expect(document.querySelector("[name=code]")!.getAttribute("autocomplete")).toBe("one-time-code");
  expect(document.querySelector("[name=newPassword]")!.getAttribute("autocomplete")).toBe("new-password");
  await press("Send a new mail");
  expect(status()).toContain("The newest mail counts.");
  type("code", "BCDF-GHJK");
  type("newPassword", "a ship in port is safe");
  await press("Change password");
  expect(inputs(sent, "ResetPassword")).toEqual([
    { credential: { code: { challengeToken: "two", code: "BCDF-GHJK" } }, newPassword: "a ship in port is safe" },
  ]);
  expect(heading()).toBe("Your password is changed");
  expect(session.renew).toHaveBeenCalledOnce();
  expect(sessionStorage).toHaveLength(0);
});

test("after a new mail, the next has to wait", async () => {
  const sent = await draw(<ForgotPassword />, {
    RequestPasswordReset: requested("requestPasswordReset", "one"),
  });
  await ask();
  await press("Send a new mail");
  const button = [...document.querySelectorAll("button")].find(({ textContent }) =>
    textContent?.startsWith("Send a new mail"),
  )!;
  expect(button.getAttribute("aria-disabled")).toBe("true");
  await act(async () => button.click());
  expect(inputs(sent, "RequestPasswordReset")).toHaveLength(2);
});

test("a wrong code shows at its field, and an old one above", async () => {
  await draw(<ForgotPassword />, {
    RequestPasswordReset: requested("requestPasswordReset", "one"),
    ResetPassword: [
      reset(failure("INVALID_CODE", "Wrong.", ["credential", "code", "code"])),
      reset(failure("EXPIRED_CODE", "Old.", ["credential", "code", "code"])),
    ],
  });
  await ask();
  for (const [code, message] of [["WRONG", "Wrong."], ["OLD", "Old."]] as const) {
    type("code", code);
    type("newPassword", "a ship in port is safe");
    await press("Change password");
    expect(document.querySelector("main")!.textContent).toContain(message);
  }
  expect(texts()).toContain("Send a new mail");
});

test("a code on its way survives a reload", async () => {
  const answers = { RequestPasswordReset: requested("requestPasswordReset", "one") };
  await draw(<ForgotPassword />, answers);
  await ask();
  document.body.replaceChildren();
  await draw(<ForgotPassword />, answers);
  expect(heading()).toBe("Check your mail");
  await press("Use another address");
  expect(heading()).toBe("Choose a new password");
  expect(sessionStorage).toHaveLength(0);
});

test("a mailed code signs in", async () => {
  const sent = await draw(<SignInCode />, {
    RequestSignInCode: requested("requestLoginCode", "one"),
    SignInWithCode: outcome(failure("INVALID_CODE", "Wrong.")),
  });
  await ask();
  type("code", "bcdf ghjk");
  await press("Sign in");
  expect(inputs(sent, "SignInWithCode")).toEqual([
    { credential: { code: { challengeToken: "one", code: "bcdf ghjk" } }, refreshTokenTransport: "COOKIE" },
  ]);
  expect(settle).toHaveBeenCalledOnce();
  expect(document.querySelector(".error")!.textContent).toBe("Wrong.");
});

test("sign-in by mail shows only where it is switched on", async () => {
  const off = { AuthConfig: offers() };
  await draw(<SignInCode />, off);
  expect(document.querySelector("form")).toBeNull();
  document.body.replaceChildren();
  await draw(<SignIn farewell="" />, off);
  expect(links()).not.toHaveProperty("Sign in by mail");
  document.body.replaceChildren();
  await draw(<SignIn farewell="" />, {});
  expect(links()).toHaveProperty("Sign in by mail", "/sign-in-code");
});

test("a sign-in link says what it does, and signs in with a press only (S72)", async () => {
  history.replaceState(null, "", "/sign-in-link#token=abc");
  settle.mockResolvedValue(true);
  const sent = await draw(<SignInLink />, { SignInWithCode: outcome() });
  expect(document.querySelector("main")!.textContent).toContain("You are about to sign in");
  expect(inputs(sent, "SignInWithCode")).toEqual([]);
  await press("Sign in on this device");
  expect(inputs(sent, "SignInWithCode")).toEqual([
    { credential: { linkToken: "abc" }, refreshTokenTransport: "COOKIE" },
  ]);
});

test("a sign-in link never replaces a session that lives", async () => {
  history.replaceState(null, "", "/sign-in-link#token=abc");
  const session = sessionOf("B");
  const sent = await draw(<SignInLink />, {}, session);
  expect(heading()).toBe("You are already signed in");
  await press("Sign out");
  expect(session.end).toHaveBeenCalledOnce();
  expect(inputs(sent, "SignInWithCode")).toEqual([]);
});

test("where signing up is closed, the pages say so", async () => {
  const closed = { AuthConfig: offers({ registrationOpen: false }) };
  await draw(<Register />, closed);
  expect(document.querySelector("main")!.textContent).toContain("New accounts cannot be created");
  expect(document.querySelector("form")).toBeNull();
  document.body.replaceChildren();
  await draw(<SignIn farewell="" />, closed);
  expect(links()).not.toHaveProperty("Create an account");
});

import { act } from "react";
import { beforeEach, expect, test } from "vitest";
import type { EmailVerificationChallenge } from "../challenges";
import { keepRegistration } from "../registration";
import { alert, failure, heading, links, offers, press, render, sessionOf, type } from "../testing";
import { SessionContext } from "../use-session";
import { VerifyEmail } from "./verify-email";

const challenge: EmailVerificationChallenge = {
  __typename: "EmailVerificationChallenge",
  token: "challenge",
  email: "ada@example.com",
  expiresIn: 3600,
};
const answer = (...errors: object[]) => ({
  verifyEmail: { __typename: "VerifyEmailPayload", account: null, errors },
});
const PASSWORD_NEEDED = answer(failure("REQUIRED", "Choose a password.", ["link", "newPassword"]));

beforeEach(() => sessionStorage.clear());

async function open(answers: object | object[], session = sessionOf()) {
  history.replaceState(null, "", "/verify-email#token=abc");
  const sent = await render(
    <SessionContext value={session}>
      <VerifyEmail />
    </SessionContext>,
    { AuthConfig: offers(), VerifyEmail: answers },
  );
  // Other tabs have their time to tell of a registration.
  await act(() => new Promise<void>((resolve) => setTimeout(resolve, 250)));
  return () => sent.filter(({ name }) => name === "VerifyEmail").map(({ variables }) => variables.input);
}

test("without a registration of this browser, the link alone is sent", async () => {
  const sent = await open(answer());
  expect(sent()).toEqual([]);
  await press("Confirm address");
  expect(sent()).toEqual([{ link: { token: "abc" } }]);
  expect(heading()).toBe("Your address is confirmed");
  expect(links()).toEqual({ "Sign in": "/sign-in" });
});

test("the registration of this tab goes with the link, and is over then (S85)", async () => {
  keepRegistration(challenge);
  const sent = await open(answer());
  expect(document.querySelector("main")!.textContent).toContain("ada@example.com");
  await press("Confirm address");
  expect(sent()).toEqual([{ link: { token: "abc", challengeToken: "challenge" } }]);
  expect(sessionStorage.getItem("registration")).toBeNull();
});

test("another tab's registration goes with the link, and that tab hears of it", async () => {
  const heard: unknown[] = [];
  const other = new BroadcastChannel("registration");
  other.addEventListener("message", ({ data }) => {
    heard.push(data);
    if (data === "ask") other.postMessage(challenge);
  });
  const sent = await open(answer());
  await press("Confirm address");
  await act(() => new Promise<void>((resolve) => setTimeout(resolve, 20)));
  other.close();
  expect(sent()).toEqual([{ link: { token: "abc", challengeToken: "challenge" } }]);
  expect(heard).toEqual(["ask", "confirmed"]);
});

test("a link without proof of the registration asks for a new password (S85)", async () => {
  const session = sessionOf("B");
  const sent = await open([PASSWORD_NEEDED, answer()], session);
  await press("Confirm address");
  expect(heading()).toBe("Choose a new password");
  expect(document.activeElement).toBe(document.querySelector("h1"));
  expect(alert()).toBe("");
  expect(links()).toEqual({ "Delete the account": "/disown-registration#token=abc" });
  type("newPassword", "a ship in port is safe");
  await press("Set password and confirm");
  expect(sent().at(-1)).toEqual({ link: { token: "abc", newPassword: "a ship in port is safe" } });
  expect(heading()).toBe("Your address is confirmed");
  expect(session.renew).toHaveBeenCalledOnce();
});

test("a weak password shows at its field", async () => {
  await open([PASSWORD_NEEDED, answer(failure("PASSWORD_TOO_SHORT", "Too short.", ["link", "newPassword"]))]);
  await press("Confirm address");
  type("newPassword", "short");
  await press("Set password and confirm");
  expect(document.querySelector(".error")!.textContent).toBe("Too short.");
});

test("a registration of something else is left out", async () => {
  keepRegistration(challenge);
  const sent = await open([answer(failure("INVALID_CHALLENGE")), PASSWORD_NEEDED]);
  await press("Confirm address");
  expect(sent()).toEqual([{ link: { token: "abc", challengeToken: "challenge" } }, { link: { token: "abc" } }]);
  expect(heading()).toBe("Choose a new password");
});

test("an old link offers a new mail", async () => {
  await open(answer(failure("EXPIRED_CODE")));
  await press("Confirm address");
  expect(heading()).toBe("This link no longer works");
  expect([...document.querySelectorAll("button")].map((button) => button.textContent)).toEqual(["Send a new mail"]);
});

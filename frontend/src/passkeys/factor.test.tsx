/** Passkeys where something else was shown before, or is to be confirmed: the parts of other pages. */
import { act } from "react";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { MfaMethod, ProofFragment } from "../__generated__/graphql";
import { Password } from "../account/password";
import { SettleContext, type LinkChallenge } from "../challenges";
import { LinkSignIn } from "../pages/link";
import { SecondStep } from "../pages/second-step";
import { SetUpSecondStep } from "../pages/set-up-second-step";
import { SignIn } from "../pages/sign-in";
import { Reauthentication } from "../reauthentication";
import { alert, appears, failure, heading, offers, press, render, sessionOf, type, type Sent } from "../testing";
import { SessionContext } from "../use-session";
import { browser, ceremony, passkey, refuse } from "./browser";

const settle = vi.fn();
beforeEach(() => void settle.mockReset().mockImplementation(async ({ errors }) => errors.length === 0));

const settled = () => act(() => new Promise<void>((resolve) => setTimeout(resolve, 20)));
function withoutPasskeys() {
  vi.stubGlobal("PublicKeyCredential", undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
}
/** Presses the button as soon as its part has loaded. */
async function pressSoon(label: string) {
  for (let time = 0; time < 200 && !buttons().includes(label); time++) await settled();
  await press(label);
}
const inputs = (sent: Sent[]) => sent.map(({ name, variables }) => [name, variables.input]);
const buttons = () => [...document.querySelectorAll("button")].map(({ textContent }) => textContent);
const signedIn = (name: string, ...errors: object[]) => ({
  [name]: { __typename: "AuthPayload", tokens: null, account: null, isNewAccount: false, challenge: null, errors },
});
const answered = { challengeToken: "token of one", response: { id: "a", answers: "one" } };

function drawStep(methods: MfaMethod[], answers: object = {}) {
  return render(
    <SettleContext value={settle}>
      <SecondStep
        challenge={{ __typename: "MfaChallenge", token: "challenge", methods, expiresIn: 600 }}
        link={null}
        onCancel={() => {}}
      />
    </SettleContext>,
    { AuthConfig: offers(), BeginPasskey: ceremony("createPasskeyAssertion", "one"), ...answers },
  );
}

test("a passkey answers the second step, by a ceremony of that step", async () => {
  browser({ get: passkey("a") });
  const sent = await drawStep(["TOTP", "PASSKEY"], { AnswerMfa: signedIn("answerMfaChallenge") });
  await pressSoon("Use a passkey");
  await settled();
  expect(inputs(sent).slice(1)).toEqual([
    ["BeginPasskey", { purpose: "SECOND_FACTOR", challengeToken: "challenge" }],
    ["AnswerMfa", { challengeToken: "challenge", factor: { passkey: answered } }],
  ]);
  expect(settle).toHaveBeenCalledOnce();
});

test("a passkey that is not used leaves the second step as it is", async () => {
  browser({ get: refuse("NotAllowedError") });
  await drawStep(["PASSKEY", "RECOVERY_CODE"]);
  await pressSoon("Use a passkey");
  await settled();
  expect(alert()).toContain("No passkey was used");
  expect(buttons()).toContain("Use a recovery code");
  expect(settle).not.toHaveBeenCalled();
});

test("where the browser cannot use passkeys, the second step says so", async () => {
  withoutPasskeys();
  await drawStep(["PASSKEY", "RECOVERY_CODE"]);
  await appears(".providers .hint");
  expect(document.body.textContent).toContain("This browser cannot use passkeys here.");
  expect(buttons()).toEqual(["Use a recovery code", "Cancel"]);
});

function drawSetUp(answers: object) {
  return render(
    <SettleContext value={settle}>
      <SetUpSecondStep
        challenge={{ __typename: "MfaEnrollmentChallenge", token: "challenge", methods: ["PASSKEY"], expiresIn: 600 }}
        link={null}
        onCancel={() => {}}
      />
    </SettleContext>,
    { BeginAddingPasskey: ceremony("createPasskeyRegistration", "one"), ...answers },
  );
}
const added = (recoveryCodes: string[], ...errors: object[]) => ({
  addPasskey: {
    __typename: "AddPasskeyPayload",
    passkey: errors.length ? null : { __typename: "Passkey", id: "1", name: "Phone", canSignIn: true },
    account: null,
    recoveryCodes,
    errors,
  },
});

test("a passkey is set up with the challenge, the codes show, and the sign-in goes on", async () => {
  browser({ create: passkey("a") });
  const sent = await drawSetUp({
    AddPasskey: added(["BCDF"]),
    AnswerMfaEnrollment: signedIn("answerMfaEnrollmentChallenge"),
  });
  await pressSoon("Use a passkey");
  await settled();
  expect(heading()).toBe("Save your recovery codes");
  await press("I have saved them: sign in");
  expect(inputs(sent)).toEqual([
    ["BeginAddingPasskey", { challengeToken: "challenge" }],
    ["AddPasskey", answered],
    ["AnswerMfaEnrollment", { challengeToken: "challenge" }],
  ]);
  expect(settle).toHaveBeenCalledOnce();
});

test("a challenge that is over sets up no passkey", async () => {
  const { asked } = browser();
  await drawSetUp({
    BeginAddingPasskey: {
      createPasskeyRegistration: { __typename: "Payload", ceremony: null, errors: [failure("INVALID_CHALLENGE")] },
    },
  });
  await pressSoon("Use a passkey");
  await settled();
  expect(heading()).toBe("Please sign in again");
  expect(asked).toEqual([]);
});

const ADA: ProofFragment = {
  __typename: "Account",
  id: "ada",
  email: "ada@example.com",
  hasPassword: false,
  reauthenticationMethods: ["PASSKEY"],
  mfa: { __typename: "MfaStatus", methods: [] },
  socialAccounts: [],
};
const changed = (...errors: object[]) => ({
  changePassword: { __typename: "ChangePasswordPayload", account: null, errors },
});

/** The dialog, because a change of the account needs it. */
async function drawDialog(answers: object) {
  const sent = await render(
    <Reauthentication account={ADA} providers={[]} refresh={async () => {}}>
      <Password account={ADA} policy={{ __typename: "PasswordPolicy", minLength: 15, minStrength: null }} />
    </Reauthentication>,
    {
      ChangePassword: [changed(failure("REAUTHENTICATION_REQUIRED")), changed()],
      BeginPasskey: ceremony("createPasskeyAssertion", "one"),
      ...answers,
    },
  );
  type("newPassword", "a ship in port is safe");
  await press("Set password");
  await settled();
  return sent;
}
const dialog = () => document.querySelector("dialog");

test("a passkey confirms a change", async () => {
  browser({ get: passkey("a") });
  const sent = await drawDialog({
    Reauthenticate: { reauthenticate: { __typename: "ReauthenticatePayload", expiresIn: 600, errors: [] } },
  });
  await pressSoon("Confirm with a passkey");
  await settled();
  expect(sent.map(({ name }) => name)).toEqual(["ChangePassword", "BeginPasskey", "Reauthenticate", "ChangePassword"]);
  expect(sent[1]!.variables.input).toEqual({ purpose: "REAUTHENTICATION" });
  expect(sent[2]!.variables.input).toEqual({ credential: { passkey: answered } });
  expect(dialog()).toBeNull();
});

test("a passkey that is not used leaves the dialog open, and the change undone", async () => {
  browser({ get: refuse("NotAllowedError") });
  const sent = await drawDialog({});
  await pressSoon("Confirm with a passkey");
  await settled();
  expect(dialog()!.textContent).toContain("No passkey was used");
  expect(sent.map(({ name }) => name)).toEqual(["ChangePassword", "BeginPasskey"]);
});

test("a browser without passkeys is not asked to confirm with one", async () => {
  withoutPasskeys();
  await drawDialog({});
  expect(dialog()!.textContent).toMatch("Sign out and sign in again");
});

const drawPage = (page: React.ReactNode, signInMethods: string[]) =>
  render(
    <SessionContext value={sessionOf()}>
      <SettleContext value={settle}>{page}</SettleContext>
    </SessionContext>,
    { AuthConfig: offers({ signInMethods }), BeginPasskey: ceremony("createPasskeyAssertion", "one") },
  );

test.each([
  ["with both", ["PASSWORD", "PASSKEY"], true, true],
  ["with a service that has none", ["PASSWORD"], true, false],
  ["with a browser that has none", ["PASSWORD", "PASSKEY"], false, false],
])("the sign-in page has the button %s", async (_what, methods, can, has) => {
  if (can) browser();
  else withoutPasskeys();
  const sent = await drawPage(<SignIn farewell="" />, methods);
  if (has) await appears(".providers button");
  await settled();
  expect(buttons().includes("Sign in with a passkey")).toBe(has);
  expect(sent.some(({ name }) => name === "BeginPasskey")).toBe(has);
});

test("a provider is linked after signing in with a passkey", async () => {
  browser({ get: passkey("a") });
  const challenge: LinkChallenge = {
    __typename: "LinkChallenge",
    token: "ticket",
    provider: "corp",
    email: "ada@example.com",
    signInMethods: ["PASSKEY"],
  };
  const outcome = signedIn("tokenAuthWithPasskey");
  await render(
    <SettleContext value={settle}>
      <LinkSignIn challenge={challenge} onCancel={() => {}} />
    </SettleContext>,
    { AuthConfig: offers(), BeginPasskey: ceremony("createPasskeyAssertion", "one"), SignInWithPasskey: outcome },
  );
  await pressSoon("Sign in with a passkey and link");
  await settled();
  expect(settle).toHaveBeenCalledWith(outcome.tokenAuthWithPasskey, challenge);
});

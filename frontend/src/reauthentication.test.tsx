import { act } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ProofFragment } from "./__generated__/graphql";
import { Password } from "./account/password";
import type { Provider } from "./providers";
import { Reauthentication } from "./reauthentication";
import { alert, appears, press, render, status, type } from "./testing";

const ADA: ProofFragment = {
  __typename: "Account",
  id: "ada",
  email: "ada@example.com",
  hasPassword: false,
  // A method that a later version may add is left out.
  reauthenticationMethods: ["PASSWORD", "SOCIAL", "RETINA" as never],
  mfa: { __typename: "MfaStatus", methods: [] },
  socialAccounts: [{ __typename: "SocialAccount", id: "1", provider: "corp" }],
};
const provider = (name: string, label: string) => ({
  __typename: "SocialProvider" as const,
  name,
  label,
  clientIds: ["client"],
  scopes: [],
  credentials: ["CODE" as const],
});
const error = (code: string, message: string, field: string[] | null = null) => ({
  __typename: "AuthError",
  code,
  message,
  field,
  retryAfter: null,
});
const NEEDED = error("REAUTHENTICATION_REQUIRED", "Confirm who you are.");
const changed = (...errors: object[]) => ({
  changePassword: {
    __typename: "ChangePasswordPayload",
    account: errors.length ? null : { __typename: "Account", id: "ada", hasPassword: true, reauthenticationMethods: [] },
    errors,
  },
});
const proven = (...errors: object[]) => ({
  reauthenticate: { __typename: "ReauthenticatePayload", expiresIn: errors.length ? null : 600, errors },
});

const WITH_APP: ProofFragment = {
  ...ADA,
  reauthenticationMethods: ["PASSWORD", "TOTP"],
  mfa: { __typename: "MfaStatus", methods: ["TOTP", "RECOVERY_CODE"] },
};
const title = () => dialog()!.querySelector("h2")!.textContent;

const refresh = vi.fn(async () => {});

beforeEach(() => {
  refresh.mockClear();
  vi.spyOn(window, "open").mockReset();
});
afterEach(() => vi.restoreAllMocks());

async function setPassword(
  answers: Record<string, object | object[]>,
  account = ADA,
  providers: Provider[] = [provider("corp", "Corp"), provider("github", "GitHub")],
) {
  const sent = await render(
    <Reauthentication
      account={account}
      providers={providers}
      refresh={refresh}
    >
      <Password account={account} policy={{ __typename: "PasswordPolicy", minLength: 15, minStrength: null }} />
    </Reauthentication>,
    answers,
  );
  type("newPassword", "a ship in port is safe");
  await press("Set password");
  return sent;
}
const dialog = () => document.querySelector("dialog");
const names = (sent: { name: string }[]) => sent.map(({ name }) => name);
const settled = () => act(() => new Promise<void>((resolve) => setTimeout(resolve, 10)));

async function confirmWith(password: string) {
  type("password", password);
  await press("Confirm");
  await settled();
}

test("the dialog offers the methods of the account that this page knows", async () => {
  await setPassword({ ChangePassword: changed(NEEDED) });
  expect(dialog()!.open).toBe(true);
  expect(document.getElementById(dialog()!.getAttribute("aria-labelledby")!)!.textContent).toBe(
    "Confirm that it is you",
  );
  const buttons = [...dialog()!.querySelectorAll("button")].map((button) => button.textContent);
  expect(buttons).toEqual(["Show password", "Confirm", "Confirm with Corp", "Cancel"]);
});

test("a confirmation repeats the same request once", async () => {
  const sent = await setPassword({ ChangePassword: [changed(NEEDED), changed()], Reauthenticate: proven() });
  await confirmWith("the old one");
  expect(names(sent)).toEqual(["ChangePassword", "Reauthenticate", "ChangePassword"]);
  expect(sent[1]!.variables.input).toEqual({ credential: { password: "the old one" } });
  expect(sent[2]!.variables).toEqual(sent[0]!.variables);
  expect(dialog()).toBeNull();
  expect(status()).toMatch("Your password is set.");
  expect(refresh).toHaveBeenCalledTimes(1);
});

test("a request that needs confirmation again is not repeated a second time", async () => {
  const sent = await setPassword({
    ChangePassword: [changed(NEEDED), changed(NEEDED)],
    Reauthenticate: proven(),
  });
  await confirmWith("the old one");
  expect(names(sent)).toEqual(["ChangePassword", "Reauthenticate", "ChangePassword"]);
  expect(dialog()).toBeNull();
  expect(alert()).toBe("Confirm who you are.");
});

test("a wrong password shows at its field, and the dialog stays", async () => {
  const sent = await setPassword({
    ChangePassword: changed(NEEDED),
    Reauthenticate: proven(error("INVALID_CREDENTIALS", "The e-mail address or the password is not correct.")),
  });
  await confirmWith("another one");
  const field = dialog()!.querySelector("input[name=password]")!;
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(document.getElementById(field.getAttribute("aria-describedby")!)!.textContent).toBe(
    "This password is not correct.",
  );
  expect(document.activeElement).toBe(field);
  expect(names(sent)).toEqual(["ChangePassword", "Reauthenticate"]);
});

test("cancelling leaves everything as it was", async () => {
  const sent = await setPassword({ ChangePassword: changed(NEEDED) });
  await press("Cancel");
  await settled();
  expect(names(sent)).toEqual(["ChangePassword"]);
  expect(dialog()).toBeNull();
  expect([alert(), status()]).toEqual(["", ""]);
  expect(refresh).not.toHaveBeenCalled();
  expect(document.querySelector<HTMLInputElement>("[name=newPassword]")!.value).toBe("a ship in port is safe");
});

test("a provider with an SDK is asked in a window too: an access token proves nothing new", async () => {
  const open = vi.spyOn(window, "open").mockReturnValue(null);
  const google = { ...provider("google-oauth2", "Google"), credentials: ["ACCESS_TOKEN" as const, "CODE" as const] };
  const facebook = { ...provider("facebook", "Facebook"), credentials: ["ACCESS_TOKEN" as const] };
  const linked = (name: string) => ({ __typename: "SocialAccount" as const, id: name, provider: name });
  const account = { ...ADA, socialAccounts: [linked("google-oauth2"), linked("facebook")] };
  await setPassword({ ChangePassword: changed(NEEDED) }, account, [google, facebook]);
  const buttons = [...dialog()!.querySelectorAll("button")].map((button) => button.textContent);
  expect(buttons).toEqual(["Show password", "Confirm", "Confirm with Google", "Cancel"]);
  await press("Confirm with Google");
  expect(open).toHaveBeenCalledTimes(1);
});

test("a provider is asked in a window, and a foreign answer is ignored", async () => {
  const replace = vi.fn();
  vi.spyOn(window, "open").mockReturnValue({ location: { replace }, close: vi.fn() } as unknown as Window);
  const sent = await setPassword({
    ChangePassword: [changed(NEEDED), changed()],
    BeginRedirect: {
      createSocialAuthUrl: {
        __typename: "CreateSocialAuthUrlPayload",
        authorization: { __typename: "SocialAuthorization", url: "https://corp/?state=ours", flow: "opaque" },
        errors: [],
      },
    },
    Reauthenticate: proven(),
  });
  await press("Confirm with Corp");
  expect(replace).toHaveBeenCalledWith("https://corp/?state=ours");
  expect(sent[1]!.variables.input).toMatchObject({ provider: "corp", prompt: "LOGIN" });
  const window_ = new BroadcastChannel("provider");
  window_.postMessage({ state: "theirs", code: "injected" });
  window_.postMessage({ state: "ours", code: "abc" });
  await settled();
  await settled();
  window_.close();
  expect(names(sent)).toEqual(["ChangePassword", "BeginRedirect", "Reauthenticate", "ChangePassword"]);
  expect(sent[2]!.variables.input).toEqual({
    credential: {
      social: { provider: "corp", credential: { code: { code: "abc", state: "ours", flow: "opaque" } } },
    },
  });
});

test("without a method that this page knows, it says what to do", async () => {
  await setPassword(
    { ChangePassword: changed(NEEDED) },
    { ...ADA, reauthenticationMethods: ["RETINA" as never] },
  );
  expect(dialog()!.textContent).toMatch("Sign out and sign in again");
  expect(dialog()!.querySelector("form")).toBeNull();
});

test("with a second step, the password alone is not enough: a code confirms it", async () => {
  const sent = await setPassword(
    {
      ChangePassword: [changed(NEEDED), changed()],
      Reauthenticate: [proven(error("MFA_REQUIRED", "Confirm with your second factor.")), proven()],
    },
    WITH_APP,
  );
  expect(title()).toBe("Confirm that it is you");
  await confirmWith("the old one");
  expect(title()).toBe("Confirm the second step");
  await appears("[name=code]");
  expect(document.activeElement).toBe(dialog()!.querySelector("[name=code]"));
  type("code", "123456");
  await press("Confirm");
  await settled();
  expect(names(sent)).toEqual(["ChangePassword", "Reauthenticate", "Reauthenticate", "ChangePassword"]);
  expect(sent[2]!.variables.input).toEqual({ credential: { totpCode: "123456" } });
  expect(dialog()).toBeNull();
});

test("a wrong code shows at its field, and a recovery code does as well", async () => {
  const sent = await setPassword(
    {
      ChangePassword: [changed(NEEDED), changed()],
      Reauthenticate: [
        proven(error("MFA_REQUIRED", "Confirm with your second factor.")),
        proven(error("INVALID_CODE", "The code is not correct.")),
        proven(),
      ],
    },
    WITH_APP,
  );
  await confirmWith("the old one");
  await appears("[name=code]");
  type("code", "000000");
  await press("Confirm");
  await settled();
  expect(dialog()!.querySelector("[name=code]")!.getAttribute("aria-invalid")).toBe("true");
  await press("Use a recovery code");
  type("code", "BCDF-GHJK-LMNP");
  await press("Confirm");
  await settled();
  expect(sent[3]!.variables.input).toEqual({ credential: { recoveryCode: "BCDF-GHJK-LMNP" } });
  expect(dialog()).toBeNull();
});

test("if the password was too long ago when the code comes, the dialog starts again and says why", async () => {
  await setPassword(
    {
      ChangePassword: changed(NEEDED),
      Reauthenticate: [proven(error("MFA_REQUIRED", "Confirm with your second factor.")), proven(NEEDED)],
    },
    WITH_APP,
  );
  await confirmWith("the old one");
  await appears("[name=code]");
  type("code", "123456");
  await press("Confirm");
  await settled();
  expect(title()).toBe("Confirm that it is you");
  expect(alert()).toMatch("That took too long. Please start again.");
});

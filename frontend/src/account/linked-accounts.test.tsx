import { expect, test, vi } from "vitest";
import { Reauthentication } from "../reauthentication";
import { alert, press, render, status } from "../testing";
import { LinkedAccounts } from "./linked-accounts";

const GOOGLE = {
  __typename: "SocialAccount" as const,
  id: "1",
  provider: "google-oauth2",
  label: "Google",
  email: "ada@example.com",
  createdAt: "2026-11-01T10:00:00Z",
  lastUsedAt: "2026-11-23T10:00:00Z",
};
const CORP = { ...GOOGLE, id: "2", provider: "corp", label: "Corp", email: null, lastUsedAt: null };
const GITHUB = {
  __typename: "SocialProvider" as const,
  name: "github",
  label: "GitHub",
  clientIds: ["client"],
  scopes: [],
  credentials: ["CODE" as const],
};
const ADA = {
  __typename: "Account" as const,
  id: "ada",
  email: "ada@example.com",
  hasPassword: true,
  reauthenticationMethods: ["PASSWORD" as const],
  mfa: { __typename: "MfaStatus" as const, methods: [] },
  socialAccounts: [],
};

const unlinked = (account: object | null, errors: object[]) => ({
  Unlink: { unlinkSocialAccount: { __typename: "UnlinkSocialAccountPayload", account, errors } },
});
const rows = () => [...document.querySelectorAll("li")].map((row) => row.textContent);
const draw = (accounts: (typeof GOOGLE | typeof CORP)[], answers: Record<string, object> = {}) =>
  render(
    <Reauthentication account={ADA} providers={[]} refresh={async () => {}}>
      <LinkedAccounts accounts={accounts} providers={[GITHUB, { ...GITHUB, name: "apple-id", label: "Apple" }]} />
    </Reauthentication>,
    answers,
  );

test("each account shows its label, address and last use", async () => {
  await draw([GOOGLE, CORP]);
  expect(rows()).toEqual([
    expect.stringMatching(/^Googleada@example.comLast used .*2026/),
    expect.stringMatching(/^CorpLinked .*2026/),
  ]);
});

test("unlinking is announced, and the focus moves to the heading", async () => {
  const sent = await draw(
    [GOOGLE, CORP],
    unlinked({ __typename: "Account", id: "ada", socialAccounts: [GOOGLE] }, []),
  );
  await press("Unlink Corp");
  expect(sent).toMatchObject([{ name: "Unlink", variables: { input: { id: "2" } } }]);
  expect(status()).toBe("Corp is unlinked.");
  expect(document.activeElement!.textContent).toBe("Linked accounts");
});

test("the last sign-in method stays, with an error", async () => {
  const error = { __typename: "AuthError", code: "LAST_SIGN_IN_METHOD", message: "The only way left.", field: null, retryAfter: null };
  await draw([CORP], unlinked(null, [error]));
  await press("Unlink Corp");
  expect(alert()).toBe("The only way left.");
  expect(rows()).toHaveLength(1);
});

test("providers that this page can ask have a button, and a blocked window is reported", async () => {
  vi.spyOn(window, "open").mockReturnValue(null);
  const sent = await draw([]);
  expect([...document.querySelectorAll("button")].map((button) => button.textContent)).toEqual(["Link GitHub"]);
  await press("Link GitHub");
  expect(alert()).toMatch("The browser blocked the window.");
  expect(sent).toEqual([]);
});

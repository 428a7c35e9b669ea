import { expect, test } from "vitest";
import { LinkedAccounts } from "./linked-accounts";
import { alert, press, render } from "./testing";

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

const answer = (account: object | null, errors: object[]) => ({
  Unlink: { unlinkSocialAccount: { __typename: "UnlinkSocialAccountPayload", account, errors } },
});
const rows = () => [...document.querySelectorAll("li")].map((row) => row.textContent);

test("each account shows its label, address and last use", async () => {
  await render(<LinkedAccounts accounts={[GOOGLE, CORP]} />);
  expect(rows()).toEqual([
    expect.stringMatching(/^Googleada@example.comLast used .*2026/),
    expect.stringMatching(/^CorpLinked .*2026/),
  ]);
});

test("unlinking is announced, and the focus moves to the heading", async () => {
  const sent = await render(
    <LinkedAccounts accounts={[GOOGLE, CORP]} />,
    answer({ __typename: "Account", id: "ada", socialAccounts: [GOOGLE] }, []),
  );
  await press("Unlink Corp");
  expect(sent).toMatchObject([{ name: "Unlink", variables: { input: { id: "2" } } }]);
  expect(document.querySelector("[role=status]")!.textContent).toBe("Corp is unlinked.");
  expect(document.activeElement!.textContent).toBe("Linked accounts");
});

test("the last sign-in method stays, with an error", async () => {
  const error = { __typename: "AuthError", code: "LAST_SIGN_IN_METHOD", message: "The only way left." };
  await render(<LinkedAccounts accounts={[CORP]} />, answer(null, [error]));
  await press("Unlink Corp");
  expect(alert()).toBe("The only way left.");
  expect(rows()).toHaveLength(1);
});

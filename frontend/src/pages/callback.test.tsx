import { StrictMode } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { SettleContext } from "../challenges";
import { keep } from "../redirect";
import { alert, render } from "../testing";
import { Callback } from "./callback";

const settle = vi.fn();
const link = {
  __typename: "LinkChallenge" as const,
  token: "ticket",
  provider: "google-oauth2",
  email: "ada@example.com",
  signInMethods: ["SOCIAL" as const],
};

beforeEach(() => {
  sessionStorage.clear();
  settle.mockReset().mockResolvedValue(true);
});

function returned(search: string, errors: { message: string }[] = []) {
  history.replaceState(null, "", `/callback?${search}`);
  const outcome = { __typename: "AuthPayload", isNewAccount: false, tokens: null, challenge: null, errors };
  return render(
    <StrictMode>
      <SettleContext value={settle}>
        <Callback />
      </SettleContext>
    </StrictMode>,
    { SignInWithProvider: { convertSocialToken: outcome } },
  );
}
const kept = { provider: "corp", label: "Corp", flow: "opaque", link: null };

test("code, state and flow are sent once, and removed from the address and the storage", async () => {
  keep({ ...kept, link });
  const sent = await returned("code=abc&state=def");
  expect(sent.map(({ variables }) => variables.input)).toEqual([
    {
      provider: "corp",
      credential: { code: { code: "abc", state: "def", flow: "opaque" } },
      refreshTokenTransport: "COOKIE",
    },
  ]);
  expect(settle).toHaveBeenCalledWith(expect.objectContaining({ __typename: "AuthPayload" }), link);
  expect(location.search).toBe("");
  expect(sessionStorage.length).toBe(0);
  expect(alert()).toBe("");
});

test("an unhandled outcome shows its errors", async () => {
  settle.mockResolvedValue(false);
  keep(kept);
  await returned("code=abc&state=def", [{ message: "Not confirmed." }]);
  expect(alert()).toBe("Not confirmed.");
});

test.each([
  [
    "a refusal",
    "error=access_denied&error_description=Call+555&state=def",
    "Sign-in with Corp was cancelled or denied.",
  ],
  ["another error", "error=server_error&error_description=Call+555", "Sign-in with Corp failed. Try again."],
  ["no state", "code=abc", "Sign-in with Corp failed. Try again."],
])("%s of the provider shows an error, and nothing is sent", async (_kind, search, message) => {
  keep(kept);
  expect(await returned(search)).toEqual([]);
  expect(alert()).toBe(message);
  expect(sessionStorage.length).toBe(0);
});

test("a code for another tab is not sent", async () => {
  expect(await returned("code=abc&state=def")).toEqual([]);
  expect(alert()).toMatch("did not start in this tab");
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SettleContext, type LinkChallenge } from "./challenges";
import { ProviderButtons } from "./provider-buttons";
import { take } from "./redirect";
import { alert, offers, press, render } from "./testing";

const assign = vi.fn();
const link: LinkChallenge = {
  __typename: "LinkChallenge",
  token: "ticket",
  provider: "github",
  email: "ada@example.com",
  signInMethods: ["SOCIAL"],
};
const provider = (name: string, label: string, ...credentials: string[]) => ({
  __typename: "SocialProvider",
  name,
  label,
  clientIds: ["client"],
  scopes: [],
  credentials,
});
const socialProviders = [
  provider("apple-id", "Apple", "ID_TOKEN", "CODE"),
  provider("github", "GitHub", "CODE", "ACCESS_TOKEN"),
  provider("corp", "Corp", "ID_TOKEN", "CODE"),
  provider("kiosk", "Kiosk", "ID_TOKEN"),
];

beforeEach(() => {
  assign.mockReset();
  vi.spyOn(window.location, "assign").mockImplementation(assign);
});
afterEach(() => vi.restoreAllMocks());

function draw(authorization: object | null, errors: object[] = [], challenge: LinkChallenge | null = null) {
  return render(
    <SettleContext value={vi.fn()}>
      <ProviderButtons link={challenge} />
    </SettleContext>,
    {
      AuthConfig: offers({ socialProviders }),
      BeginRedirect: {
        createSocialAuthUrl: { __typename: "CreateSocialAuthUrlPayload", authorization, errors },
      },
    },
  );
}
const buttons = () => [...document.querySelectorAll("button")].map((button) => button.textContent);

test("usable providers have a button, except the one to link", async () => {
  await draw(null);
  expect(buttons()).toEqual(["Continue with GitHub", "Continue with Corp"]);
  document.body.replaceChildren();
  await draw(null, [], link);
  expect(buttons()).toEqual(["Continue with Corp"]);
});

test("the tab stores the flow while the browser is at the provider", async () => {
  const sent = await draw(
    { __typename: "SocialAuthorization", url: "https://corp/", flow: "opaque" },
    [],
    link,
  );
  await press("Continue with Corp");
  expect(sent.at(-1)!.variables).toEqual({
    input: { provider: "corp", redirectUri: `${location.origin}/callback` },
  });
  expect(assign).toHaveBeenCalledWith("https://corp/");
  expect(take()).toEqual({ provider: "corp", label: "Corp", flow: "opaque", link });
});

test("a refused redirect shows the error, and stores nothing", async () => {
  await draw(null, [{ __typename: "AuthError", code: "REDIRECT_URI_NOT_ALLOWED", message: "Not there." }]);
  await press("Continue with Corp");
  expect(alert()).toBe("Not there.");
  expect(assign).not.toHaveBeenCalled();
  expect(take()).toBeNull();
});

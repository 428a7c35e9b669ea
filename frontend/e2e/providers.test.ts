import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alert, FACEBOOK, GOOGLE, heading, inspect, launch, visit, type Visit } from "./browser";
import { playCorp } from "./corp";
import { PASSWORD, startService, type Service } from "./service";

let service: Service;
let browser: Browser;
let gina: Visit;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launch()]);
  await service.allowCallback();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});
afterEach(() => gina.leave());

/** What the SDKs do, as far as the page can see: give the token that the person got for this client id. */
function stubs(
  answers: { google?: string | undefined; facebook?: string | undefined } = {},
): Record<string, string> {
  const { google = service.google.accessToken, facebook = service.facebook.accessToken } = answers;
  return {
    [GOOGLE]: `window.google = { accounts: { oauth2: { initTokenClient: ({ client_id, scope, callback, error_callback }) => ({
      requestAccessToken() {
        if (client_id !== ${JSON.stringify(service.google.clientId)} || !scope.includes("email")) throw new Error("misused");
        const access_token = ${JSON.stringify(google)};
        if (access_token) callback({ access_token }); else error_callback({ type: "popup_closed" });
      },
    }) } } };`,
    [FACEBOOK]: `window.FB = {
      init({ appId, version }) {
        if (appId !== ${JSON.stringify(service.facebook.clientId)} || !/^v\\d+\\.0$/.test(version)) throw new Error("misused");
      },
      login(callback, { scope }) {
        const accessToken = ${JSON.stringify(facebook)};
        callback({ authResponse: accessToken ? { accessToken } : null });
      },
    };`,
  };
}

const signedInAs = (page: Page, email: string) =>
  page.getByRole("definition").filter({ hasText: email }).waitFor();
const corp = (page: Page) => page.getByRole("button", { name: "Continue with Corp" }).click();
const agree = (page: Page) => page.getByRole("link", { name: "Agree" }).click();
const kept = (page: Page) => page.evaluate(() => ({ ...sessionStorage }));

async function signInPage(scripts: Record<string, string>) {
  gina = await visit(browser, service.url, scripts);
  const page = await gina.open("/sign-in");
  await heading(page, "Sign in");
  return page;
}

test("Google signs a new person in", async () => {
  const page = await signInPage(stubs());
  await page.getByRole("button", { name: "Continue with Facebook" }).waitFor();
  expect(await page.getByRole("button", { name: /^Continue/ }).allTextContents()).toEqual(
    ["Google", "Facebook", "Microsoft", "GitHub", "Corp"].map((label) => `Continue with ${label}`),
  );
  await inspect(page, "sign-in-providers");
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await heading(page, "Your account");
  await signedInAs(page, "gina@example.com");
  expect(gina.operations).toEqual(["authConfig", "convertSocialToken", "me"]);
});

test("Facebook signs a new person in", async () => {
  const page = await signInPage(stubs());
  await page.getByRole("button", { name: "Continue with Facebook" }).click();
  await signedInAs(page, "fay@example.com");
});

test("a token that the provider rejects shows an error", async () => {
  const page = await signInPage(stubs({ google: "ya29.forged" }));
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await alert(page, /./);
  await inspect(page, "sign-in-provider-error");
});

test("a user who cancels at the provider stays on the sign-in page", async () => {
  const page = await signInPage(stubs({ google: "", facebook: "" }));
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await page.getByRole("button", { name: "Continue with Facebook" }).click();
  await heading(page, "Sign in");
  expect(await page.locator(".problem").count()).toBe(0);
  expect(gina.operations).toEqual(["authConfig"]);
});

test("an SDK that does not load shows an error", async () => {
  const page = await signInPage({ ...stubs(), [FACEBOOK]: "" });
  await page.getByRole("button", { name: "Continue with Facebook" }).click();
  await alert(page, "Facebook did not load.");
});

test("a redirect to a provider and back signs a new person in", async () => {
  const page = await signInPage(stubs());
  await playCorp(gina.context, service, { sub: "corp-cora", email: "cora@example.com" });
  await corp(page);
  await agree(page);
  await heading(page, "Your account");
  await signedInAs(page, "cora@example.com");
  expect(gina.operations).toEqual(["authConfig", "createSocialAuthUrl", "convertSocialToken", "me"]);
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe("/");
  expect(await kept(page)).toEqual({});
});

test("a denial at the provider shows our own message", async () => {
  const page = await signInPage(stubs());
  await playCorp(gina.context, service, {});
  await corp(page);
  await page.getByRole("link", { name: "Refuse" }).click();
  await alert(page, "Sign-in with Corp was cancelled or denied.");
  await inspect(page, "callback-refused");
  expect(await page.content()).not.toContain("555");
  expect(page.url()).toBe(`${service.url}/callback`);
  expect(await kept(page)).toEqual({});
  await page.getByRole("link", { name: "Back to sign in" }).click();
  await heading(page, "Sign in");
});

test("foreign, altered and used codes are refused", async () => {
  const page = await signInPage(stubs());
  await page.goto("/callback?code=injected&state=injected");
  await alert(page, "did not start in this tab");
  expect(gina.operations).toEqual(["authConfig"]);

  await page.goto("/sign-in");
  await playCorp(gina.context, service, {});
  await corp(page);
  const returns = await page.getByRole("link", { name: "Agree" }).getAttribute("href");
  await page.goto(returns!.replace(/code=[^&]+/, "code=injected"));
  await alert(page, "The provider did not confirm this sign-in.");
  await page.goto(returns!);
  await alert(page, "did not start in this tab");
});

test("the account's password links the provider, and a wrong one does not", async () => {
  await service.register("lena");
  await service.verify("lena");
  const google = await service.googleToken({ sub: "google-lena", email: "lena@example.com" });
  const page = await signInPage(stubs({ google }));
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await heading(page, "You already have an account");
  await page.getByText("lena@example.com").waitFor();
  await inspect(page, "link");
  const password = page.getByLabel("Password", { exact: true });
  await password.fill("not the password");
  await page.keyboard.press("Enter");
  await alert(page, /./);
  await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in and link Google" }).click();
  await heading(page, "Your account");
  await page.getByRole("status").filter({ hasText: "Google is linked to your account." }).waitFor();
  await page.getByRole("button", { name: "Unlink Google lena@example.com" }).waitFor();
  await inspect(page, "me-linked");
  expect(gina.operations.slice(-3)).toEqual(["tokenAuth", "linkSocialAccount", "me"]);

  await page.getByRole("button", { name: /^Unlink/ }).click();
  await page.getByRole("status").filter({ hasText: "Google is unlinked." }).waitFor();
  await page.getByText("No linked accounts.").waitFor();
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Linked accounts");
});

test("an account without a password links through another provider, also by redirect", async () => {
  const person = { sub: "corp-nora", email: "nora@example.com" };
  let page = await signInPage(stubs());
  await playCorp(gina.context, service, person);
  await corp(page);
  await agree(page);
  await heading(page, "Your account");
  await page.getByRole("button", { name: /^Unlink/ }).click();
  await alert(page, "This is the only way left to sign in.");
  await inspect(page, "me-last-way");
  await gina.leave();

  const google = await service.googleToken({ sub: "google-nora", email: "nora@example.com" });
  page = await signInPage(stubs({ google }));
  await playCorp(gina.context, service, person);
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await heading(page, "You already have an account");
  expect(await page.getByLabel("Password", { exact: true }).count()).toBe(0);
  expect(await page.getByRole("button", { name: "Continue with Google" }).count()).toBe(0);
  await inspect(page, "link-provider");
  await corp(page);
  await agree(page);
  await page.getByRole("status").filter({ hasText: "Google is linked to your account." }).waitFor();
  await page.getByRole("button", { name: "Unlink Google nora@example.com" }).waitFor();
  await page.getByRole("button", { name: "Unlink Corp nora@example.com" }).waitFor();
});

test("an unverified address links nothing and shows an error", async () => {
  await service.register("mia");
  const google = await service.googleToken({
    email: "mia@example.com",
    sub: "google-mia",
    email_verified: false,
  });
  const page = await signInPage(stubs({ google }));
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await alert(page, "An account with this e-mail address already exists.");
  await heading(page, "Sign in");
});

test("the user is asked for details that the provider omits", async () => {
  const facebook = await service.facebookToken({ id: "facebook-olga", first_name: "Olga", email: null });
  const page = await signInPage(stubs({ facebook }));
  await page.getByRole("button", { name: "Continue with Facebook" }).click();
  await heading(page, "Almost there");
  expect(await page.getByLabel("Username").inputValue()).toMatch(/^olga-/);
  expect(await page.getByLabel("First name").count()).toBe(0);
  await inspect(page, "profile");
  await page.getByLabel("E-mail").fill("olga");
  await page.keyboard.press("Enter");
  await alert(page, "Please correct one field.");
  await page.getByLabel("E-mail").fill("olga@example.com");
  await page.getByLabel("Username").fill("olga");
  await page.getByRole("button", { name: "Create account" }).click();
  await heading(page, "Your account");
  await page.getByText("olga@example.com not verified").waitFor();
});

test("cancelling returns to the sign-in page", async () => {
  const facebook = await service.facebookToken({ id: "facebook-pia", email: null });
  const page = await signInPage(stubs({ facebook }));
  await page.getByRole("button", { name: "Continue with Facebook" }).click();
  await heading(page, "Almost there");
  await page.getByRole("button", { name: "Cancel" }).click();
  await heading(page, "Sign in");
});

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alert, heading, inspect, launch, visit, type Visit } from "./browser";
import { startService, type Service } from "./service";

let service: Service;
let browser: Browser;
let gina: Visit;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});
afterEach(() => gina.leave());

const GOOGLE = "https://accounts.google.com/gsi/client";
const FACEBOOK = "https://connect.facebook.net/en_US/sdk.js";

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

async function signInPage(scripts: Record<string, string>) {
  gina = await visit(browser, service.url, scripts);
  const socialProviders = [
    { name: "google-oauth2", label: "Google", clientIds: [service.google.clientId] },
    { name: "facebook", label: "Facebook", clientIds: [service.facebook.clientId] },
  ];
  await gina.context.route("**/config.json", (route) => route.fulfill({ json: { socialProviders } }));
  const page = await gina.open("/sign-in");
  await heading(page, "Sign in");
  return page;
}

test("Google signs a new person in", async () => {
  const page = await signInPage(stubs());
  await page.getByRole("button", { name: "Continue with Facebook" }).waitFor();
  await inspect(page, "sign-in-providers");
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await heading(page, "Your account");
  await page.getByText("gina@example.com").waitFor();
  expect(gina.operations).toEqual(["convertSocialToken", "me"]);
});

test("Facebook signs a new person in", async () => {
  const page = await signInPage(stubs());
  await page.getByRole("button", { name: "Continue with Facebook" }).click();
  await page.getByText("fay@example.com").waitFor();
});

test("a token that the provider does not know is refused, and that is told", async () => {
  const page = await signInPage(stubs({ google: "ya29.forged" }));
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await alert(page, /./);
  await inspect(page, "sign-in-provider-error");
});

test("who changes their mind at the provider is where they were", async () => {
  const page = await signInPage(stubs({ google: "", facebook: "" }));
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await page.getByRole("button", { name: "Continue with Facebook" }).click();
  await heading(page, "Sign in");
  expect(await page.locator(".problem").count()).toBe(0);
  expect(gina.operations).toEqual([]);
});

test("an SDK that cannot be loaded is told", async () => {
  const page = await signInPage({ ...stubs(), [FACEBOOK]: "" });
  await page.getByRole("button", { name: "Continue with Facebook" }).click();
  await alert(page, "Facebook does not answer.");
});

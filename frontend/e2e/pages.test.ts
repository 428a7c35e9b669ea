import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { alert, heading, inspect, launch, refreshToken, signIn, visit, type Visit } from "./browser";
import { PASSWORD, startService, type Service } from "./service";

let service: Service;
let browser: Browser;
let ada: Visit;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launch()]);
  await service.register("ada");
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});
beforeEach(async () => {
  ada = await visit(browser, service.url);
});
afterEach(() => ada.leave());

test("a new user is signed in at once, sees their account, and stays signed in after a reload", async () => {
  const page = await ada.open("/register");
  await heading(page, "Create an account");
  await inspect(page, "register");
  await page.getByLabel("First name").fill("Grace");
  await page.getByLabel("Last name").fill("Hopper");
  await page.getByLabel("Username").fill("grace");
  await page.getByLabel("E-mail").fill("grace@example.com");
  await page.getByLabel("Password", { exact: true }).fill("a ship in port is safe");
  await page.getByRole("button", { name: "Create account" }).click();

  await heading(page, "Your account");
  await page.locator("dl").getByText("grace@example.com").waitFor();
  expect(new URL(page.url()).pathname).toBe("/");
  expect(ada.operations).toEqual(["authConfig", "register", "me"]);
  await inspect(page, "me");

  await page.reload();
  await page.locator("dl").getByText("grace@example.com").waitFor();
  expect(ada.operations.slice(3)).toEqual(["refreshToken", "me"]);
});

test("every invalid field shows its error, and the first one has the focus", async () => {
  const page = await ada.open("/register");
  await page.getByLabel("First name").fill("Ada");
  await page.getByLabel("Username").fill("ADA");
  await page.getByLabel("E-mail").fill("ada@example.com");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.keyboard.press("Enter");

  await alert(page, "Please correct 3 fields.");
  for (const label of ["Username", "E-mail", "Password"]) {
    const field = page.getByLabel(label, { exact: true });
    const described = (await field.getAttribute("aria-describedby"))!.split(" ").at(-1)!;
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await page.locator(`[id="${described}"]`).textContent()).toMatch(/\w{3}/);
  }
  expect(await page.getByLabel("First name").getAttribute("aria-invalid")).toBe("false");
  expect(await page.getByLabel("Username").evaluate((field) => field === document.activeElement)).toBe(true);
  expect(await page.getByLabel("First name").inputValue()).toBe("Ada");
  await inspect(page, "register-errors");
});

test("an empty form marks its fields and sends no request", async () => {
  const page = await ada.open("/register");
  await page.getByRole("button", { name: "Create account" }).click();
  await alert(page, "Please correct 4 fields.");
  expect(await page.locator("[aria-invalid=true]").count()).toBe(4);
  expect(await page.getByLabel("First name").evaluate((field) => field === document.activeElement)).toBe(true);
  expect(ada.operations).toEqual(["authConfig"]);
  await inspect(page, "register-empty");
});

test("the service's password rule shows before a password fails", async () => {
  const strict = await startService({ PASSWORD_MIN_LENGTH: "17" });
  try {
    const visitor = await visit(browser, strict.url);
    const page = await visitor.open("/register");
    await page.getByText("At least 17 characters.").waitFor();
    await visitor.leave();
  } finally {
    await strict.stop();
  }
});

test("a wrong password shows an error and stays on the page", async () => {
  const page = await ada.open("/");
  await heading(page, "Sign in");
  await inspect(page, "sign-in");
  await signIn(page, "ada", "not the password");
  await alert(page, /./);
  await inspect(page, "sign-in-error");
  await signIn(page, "ada", PASSWORD);
  await heading(page, "Your account");
});

test("the keyboard is enough to sign in", async () => {
  const page = await ada.open("/sign-in");
  await heading(page, "Sign in");
  for (const key of ["Tab", "ada@example.com", "Tab", PASSWORD, "Tab", "Enter"]) {
    if (key === "Tab" || key === "Enter") await page.keyboard.press(key);
    else await page.keyboard.type(key);
  }
  // The last Tab went to "Show password".
  expect(await page.getByLabel("Password", { exact: true }).getAttribute("type")).toBe("text");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await heading(page, "Your account");
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
  expect(await page.title()).toBe("Your account · Latchkey");
});

test("no script can read the refresh token", async () => {
  const page = await ada.open("/sign-in");
  await signIn(page, "ada", PASSWORD);
  await heading(page, "Your account");
  const [cookie, ...others] = await ada.context.cookies();
  expect(others).toEqual([]);
  expect(cookie).toMatchObject({ name: "refresh_token", httpOnly: true, sameSite: "Strict", path: "/" });
  const readable = await page.evaluate(async () => ({
    cookie: document.cookie,
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: await indexedDB.databases(),
  }));
  expect(readable).toEqual({ cookie: "", local: { session: expect.stringMatching(/^[\w=]+$/) }, session: {}, databases: [] });
});

test("the users page loads page by page", async () => {
  for (let n = 1; n <= 24; n++) await service.register(`person-${n}`);
  const page = await ada.open("/sign-in");
  await signIn(page, "ada", PASSWORD);
  await page.getByRole("link", { name: "Users" }).click();
  await heading(page, "Users");
  await page.getByText("person-24", { exact: true }).first().waitFor();
  expect(await page.getByRole("listitem").count()).toBe(20);
  // A name of another direction must not turn round what stands beside it.
  expect(await page.getByText("person-24", { exact: true }).first().evaluate((name) => name.tagName)).toBe("BDI");
  await inspect(page, "users");
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("Showing all").waitFor();
  const names = await page.getByRole("listitem").locator("strong").allTextContents();
  expect(names.length).toBeGreaterThan(24);
  expect(new Set(names).size).toBe(names.length);
  expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("status");
  await page.goBack();
  await heading(page, "Your account");
});

test("signing out ends the session at the server, and signs all tabs out", async () => {
  const page = await ada.open("/sign-in");
  await signIn(page, "ada", PASSWORD);
  await heading(page, "Your account");
  const other = await ada.open("/users");
  await heading(other, "Users");
  const token = await refreshToken(ada);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  for (const tab of [page, other]) {
    await heading(tab, "Sign in");
    await tab.getByRole("status").filter({ hasText: "You are signed out." }).waitFor();
    await tab.getByRole("button", { name: "Continue with Google" }).waitFor();
  }
  await inspect(page, "signed-out");
  expect(await ada.context.cookies()).toEqual([]);
  expect(await page.evaluate(() => ({ ...localStorage }))).toEqual({});
  const query = "mutation ($t: String!) { refreshToken(input: { refreshToken: $t }) { errors { code } } }";
  const { data } = await (await service.post(query, { t: token })).json();
  expect(data.refreshToken.errors).toEqual([{ code: "INVALID_GRANT" }]);
});

test("an unreachable service shows an error and keeps the session", async () => {
  ada.expected.push(/ERR_CONNECTION_REFUSED/);
  const page = await ada.open("/sign-in");
  await ada.context.route("**/graphql", (route) => route.abort("connectionrefused"));
  await signIn(page, "ada", PASSWORD);
  await alert(page, "cannot be reached");
  await ada.context.unroute("**/graphql");
  await signIn(page, "ada", PASSWORD);
  await heading(page, "Your account");

  await ada.context.route("**/graphql", (route) => route.abort("connectionrefused"));
  await page.reload();
  await alert(page, "cannot be reached");
  await inspect(page, "offline");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await alert(page, "You are still signed in.");
  await ada.context.unroute("**/graphql");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator("dl").getByText("ada@example.com").waitFor();
});

test("an unknown page is a 404, signed in or not", async () => {
  ada.expected.push(/404/);
  const page = await ada.context.newPage();
  expect((await page.goto("/no/such/page"))!.status()).toBe(404);
  await heading(page, "Page not found");
  await page.getByRole("link", { name: "Go to your account" }).click();
  await heading(page, "Sign in");
  await signIn(page, "ada", PASSWORD);
  await heading(page, "Your account");
  await page.evaluate(() => {
    history.pushState(null, "", "/nowhere");
    dispatchEvent(new PopStateEvent("popstate"));
  });
  await heading(page, "Page not found");
  await inspect(page, "not-found");
});

test("what a page loads stays in the browser's cache, and comes compressed", async () => {
  const page = await ada.context.newPage();
  const found = new Map<string, Record<string, string>>();
  page.on("response", (response) => found.set(new URL(response.url()).pathname, response.headers()));
  await page.goto("/sign-in");
  await heading(page, "Sign in");
  await page.goto("/graphql");
  await page.getByRole("button", { name: /^Execute/ }).waitFor();
  const files = [...found].filter(([path]) => path.startsWith("/static/"));
  expect(files.length).toBeGreaterThan(5);
  for (const [path, headers] of files) {
    expect([path, headers["cache-control"]]).toEqual([path, expect.stringContaining("immutable")]);
    if (!/\.woff2?$/.test(path)) expect([path, headers["content-encoding"]]).toEqual([path, "br"]);
  }
});

test("the first view loads at most 120 kB, and only a signed-in user loads the account", async () => {
  const page = await ada.context.newPage();
  const sizes = new Map<string, number>();
  page.on("response", (response) => {
    const { origin, pathname } = new URL(response.url());
    if (origin === service.url && pathname !== "/graphql") sizes.set(pathname, Number(response.headers()["content-length"]));
  });
  await page.goto("/");
  await heading(page, "Sign in");
  await page.waitForLoadState("networkidle");
  expect([...sizes.keys()].join()).toMatch(/\.js\b/);
  expect([...sizes.keys()].join()).not.toContain("signed-in");
  expect([...sizes.values()].reduce((sum, size) => sum + size)).toBeLessThanOrEqual(120_000);

  await signIn(page, "ada", PASSWORD);
  await heading(page, "Your account");
  expect([...sizes.keys()].join()).toContain("signed-in");
});

/** Answers as a service that has been deployed since: without this build's parts, and with a page that names another. */
async function deploy(page: Page): Promise<void> {
  await page.route(/\/assets\/(?!index-)[^/]*\.js$/, (route) => route.fulfill({ status: 404, body: "{}" }));
  await page.route(`${service.url}/`, (route) =>
    route.request().resourceType() === "fetch" ? route.fulfill({ body: "another build" }) : route.fallback(),
  );
}

test("a tab of a former build reloads when a part of it is gone", async () => {
  ada.expected.push(/404/);
  const page = await ada.open("/sign-in");
  await heading(page, "Sign in");
  await deploy(page);
  page.once("framenavigated", () => page.once("framenavigated", () => page.unrouteAll()));
  await page.getByRole("link", { name: "Create an account" }).click();
  await heading(page, "Create an account");
  expect(new URL(page.url()).pathname).toBe("/register");
});

test("a part that stays away is reported, and can be asked for again", async () => {
  ada.expected.push(/404/);
  const page = await ada.open("/sign-in");
  await heading(page, "Sign in");
  await deploy(page);
  const loads: string[] = [];
  page.on("load", () => loads.push(page.url()));
  await page.getByRole("link", { name: "Create an account" }).click();
  await heading(page, "This page cannot be loaded");
  expect(loads).toHaveLength(1);
  await inspect(page, "unavailable");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Try again" }).click();
  await heading(page, "Create an account");
});

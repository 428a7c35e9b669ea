import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { heading, launch, refreshToken, signIn, visit, type Visit } from "./browser";
import { PASSWORD, startService, type Service } from "./service";

const LIFETIME = 3; // seconds
let service: Service;
let browser: Browser;
let ada: Visit;

beforeAll(async () => {
  const short = { ACCESS_TOKEN_LIFETIME: String(LIFETIME), ACCESS_TOKEN_JITTER: "0" };
  [service, browser] = await Promise.all([startService(short), launch()]);
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

const expired = () => new Promise((resolve) => setTimeout(resolve, LIFETIME * 1000 + 200));
/** One, unless the machine is so slow that tabs do not answer each other in time; then they refresh in turn. */
const refreshes = () => ada.operations.filter((name) => name === "refreshToken").length;

async function signedIn() {
  const page = await ada.open("/sign-in");
  await signIn(page, "ada", PASSWORD);
  await heading(page, "Your account");
  return page;
}

test("two queries of a page with an expired token: exactly one refresh", async () => {
  for (let n = 1; n <= 20; n++) await service.register(`person-${n}`);
  const page = await signedIn();
  await page.goto("/users");
  const more = page.getByRole("button", { name: "Show more" });
  await more.waitFor();
  await expired();
  ada.operations.splice(0);
  await page.evaluate(() => {
    for (const text of ["Show more", "Account"]) {
      const found = [...document.querySelectorAll<HTMLElement>("button, a")].find(
        (item) => item.innerText === text,
      );
      found!.click();
    }
  });
  await page.locator("dl").getByText("ada@example.com").waitFor();
  await page.getByRole("link", { name: "Users" }).click();
  await page.getByText("Showing all").waitFor();
  expect(ada.operations.sort()).toEqual(["me", "refreshToken", "users"]);
});

test("two tabs with an expired token stay signed in", async () => {
  const page = await signedIn();
  await expired();
  const other = await ada.context.newPage();
  await Promise.all([page.getByRole("link", { name: "Users" }).click(), other.goto("/")]);
  await page.getByRole("listitem").first().waitFor();
  await other.locator("dl").getByText("ada@example.com").waitFor();
  expect(refreshes()).toBeLessThanOrEqual(2);
});

test("a token refused before it expires: one refresh and one retry", async () => {
  ada.expected.push(/401/);
  const page = await signedIn();
  const token = await refreshToken(ada);
  // Someone else's refresh ends the access token that this page holds.
  const query = "mutation ($t: String!) { refreshToken(input: { refreshToken: $t }) { errors { code } } }";
  await service.post(query, { t: token });
  await page.getByRole("link", { name: "Users" }).click();
  await page.getByRole("listitem").first().waitFor();
  expect(ada.operations).toEqual(["authConfig", "tokenAuth", "me", "users", "refreshToken", "users"]);
});

test("a user signed in by another application sees nothing of the previous user", async () => {
  await service.register("bea");
  const page = await signedIn();
  const other = await ada.open("/");
  await other.locator("dl").getByText("ada@example.com").waitFor();
  const answer = await page.evaluate(async (password) => {
    const input = { email: "bea@example.com", password, refreshTokenTransport: "COOKIE" };
    const query = "mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { errors { code } } }";
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Requested-With": "other" },
      body: JSON.stringify({ query, variables: { input } }),
    });
    return response.json();
  }, PASSWORD);
  expect(answer.data.tokenAuth.errors).toEqual([]);
  await expired();
  await page.getByRole("link", { name: "Users" }).click();
  await other.locator("dl").getByText("bea@example.com").waitFor();
  expect(await other.getByText("ada@example.com").count()).toBe(0);
  await page.getByRole("link", { name: "Account" }).click();
  await page.locator("dl").getByText("bea@example.com").waitFor();
});

test("five tabs at once all stay signed in", async () => {
  const first = await signedIn();
  const pages = [first, ...(await Promise.all([1, 2, 3, 4].map(() => ada.context.newPage())))];
  for (let round = 1; round <= 3; round++) {
    await expired();
    const before = refreshes();
    await Promise.all(pages.map((page) => page.goto("/")));
    await Promise.all(pages.map((page) => page.locator("dl").getByText("ada@example.com").waitFor()));
    expect(refreshes() - before).toBeLessThanOrEqual(pages.length);
  }
  await expired();
  const before = refreshes();
  await Promise.all(pages.map((page) => page.getByRole("link", { name: "Users" }).click()));
  await Promise.all(pages.map((page) => page.getByRole("listitem").first().waitFor()));
  expect(refreshes() - before).toBeLessThanOrEqual(pages.length);
});

test("an ended session shows the sign-in page in all tabs", async () => {
  const page = await signedIn();
  const other = await ada.open("/users");
  // With its list: else that request may be the one that finds the session over.
  await other.getByRole("listitem").first().waitFor();
  const token = await refreshToken(ada);
  await service.post("mutation ($t: String!) { revokeToken(input: { token: $t }) { errors { code } } }", {
    t: token,
  });
  await expired();
  await page.getByRole("link", { name: "Users" }).click();
  await heading(page, "Sign in");
  await heading(other, "Sign in");
  // And back again, in both.
  await signIn(page, "ada", PASSWORD);
  await heading(page, "Users");
  await heading(other, "Users");
});

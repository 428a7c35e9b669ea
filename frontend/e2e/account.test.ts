/** The account page: each journey against the real service. */
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alert, heading, inspect, launch, refreshToken, signIn, visit, type Visit } from "./browser";
import { playCorp } from "./corp";
import { PASSWORD, startService, type Service } from "./service";

const NEW = "seven geese walk to Uppsala";
let service: Service;
let browser: Browser;
const visits: Visit[] = [];

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launch()]);
  await service.allowCallback();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});
afterEach(async () => {
  for (const left of visits.splice(0)) await left.leave();
});

async function enter(): Promise<Visit> {
  const entered = await visit(browser, service.url);
  visits.push(entered);
  return entered;
}

/** A browser in which the user is signed in. */
async function signedIn(username: string, password = PASSWORD): Promise<[Page, Visit]> {
  const entered = await enter();
  const page = await entered.open("/sign-in");
  await signIn(page, username, password);
  await heading(page, "Your account");
  await part(page, "Recent activity").getByRole("listitem").first().waitFor();
  return [page, entered];
}

const part = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const said = (page: Page, text: string | RegExp) =>
  page.getByRole("status").filter({ hasText: text }).first().waitFor();
const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });
const dialog = (page: Page) => page.getByRole("dialog");
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent);
const sessions = (page: Page) => part(page, "Where you are signed in").getByRole("listitem");

/** The other browser finds out with its next request. */
async function isSignedOut(page: Page): Promise<void> {
  await page.reload();
  await heading(page, "Sign in");
}

async function confirm(page: Page, password = PASSWORD): Promise<void> {
  await dialog(page).getByLabel("Your password").fill(password);
  await page.keyboard.press("Enter");
}

async function changePassword(page: Page, current: string, next: string): Promise<void> {
  await part(page, "Password").getByLabel("Current password", { exact: true }).fill(current);
  await part(page, "Password").getByLabel("New password", { exact: true }).fill(next);
  await page.keyboard.press("Enter");
}

test("changing the password ends the other browser's session, and shows in the activity", async () => {
  await service.register("ada");
  const [page] = await signedIn("ada");
  const [other, laptop] = await signedIn("ada");
  laptop.expected.push(/401/);
  await changePassword(page, PASSWORD, NEW);
  await said(page, "Your password is changed.");
  await part(page, "Recent activity").getByText(/password/i).first().waitFor();
  await expect.poll(() => sessions(page).count()).toBe(1);
  await inspect(page, "account-password-changed");
  expect(await page.getByLabel("New password", { exact: true }).inputValue()).toBe("");
  await isSignedOut(other);
  await signIn(other, "ada", NEW);
  await heading(other, "Your account");
});

test("wrong passwords show at their fields, and nothing changes", async () => {
  await service.register("bea");
  const [page] = await signedIn("bea");
  await changePassword(page, "not the password", NEW);
  await alert(page, "Please correct one field.");
  const current = page.getByLabel("Current password", { exact: true });
  expect(await current.getAttribute("aria-invalid")).toBe("true");
  expect(await current.evaluate((field) => field === document.activeElement)).toBe(true);

  await part(page, "Password").getByText("At least 15 characters.").waitFor();
  await changePassword(page, PASSWORD, "short");
  const next = page.getByLabel("New password", { exact: true });
  await expect.poll(() => next.getAttribute("aria-invalid")).toBe("true");
  expect(await current.getAttribute("aria-invalid")).toBe("false");
  await inspect(page, "account-wrong-password");

  await changePassword(page, PASSWORD, NEW);
  await said(page, "Your password is changed.");
});

test("the profile is saved, and a taken username shows at its field", async () => {
  await service.register("cara");
  await service.register("cleo");
  const [page, { operations }] = await signedIn("cara");
  const profile = part(page, "Profile");
  await profile.getByLabel("Username").fill("CLEO");
  await profile.getByLabel("First name").fill("");
  await page.keyboard.press("Enter");
  await alert(page, "Please correct one field.");
  await profile.getByLabel("First name").fill("Carla");
  await page.keyboard.press("Enter");
  await expect.poll(() => profile.getByLabel("Username").getAttribute("aria-invalid")).toBe("true");
  await inspect(page, "account-taken-username");

  await profile.getByLabel("Username").fill("carla");
  await profile.getByLabel("Language").selectOption("de");
  await button(page, "Save profile").click();
  await said(page, "Your profile is saved.");
  await page.reload();
  expect(await profile.getByLabel("Username").inputValue()).toBe("carla");
  expect(await profile.getByLabel("First name").inputValue()).toBe("Carla");
  expect(await profile.getByLabel("Language").inputValue()).toBe("de");
  expect(operations.filter((name) => name === "updateAccount")).toHaveLength(2);
});

test("one session is ended, then all others, then all", async () => {
  await service.register("dora");
  const others: Page[] = [];
  for (const _ of [1, 2, 3]) {
    const [page, browser] = await signedIn("dora");
    browser.expected.push(/401/);
    others.push(page);
  }
  const [page] = await signedIn("dora");
  // The fifth is that of the registration.
  expect(await sessions(page).count()).toBe(5);
  expect(await sessions(page).filter({ hasText: "this session" }).count()).toBe(1);
  await sessions(page).filter({ hasText: /Chrom/ }).first().waitFor();
  await inspect(page, "account");

  await button(page, /^End the session/).first().click();
  await said(page, "The session has ended.");
  await expect.poll(() => sessions(page).count()).toBe(4);
  expect(await focused(page)).toBe("Where you are signed in");
  // Most recently used first.
  await isSignedOut(others[2]!);

  await button(page, "End all other sessions").click();
  await said(page, "All other sessions have ended.");
  await expect.poll(() => sessions(page).count()).toBe(1);
  expect(await button(page, "End all other sessions").count()).toBe(0);
  await isSignedOut(others[0]!);
  await isSignedOut(others[1]!);

  const [again, browser] = await signedIn("dora");
  browser.expected.push(/401/);
  await button(page, "Sign out everywhere").click();
  await heading(page, "Sign in");
  await said(page, "You are signed out everywhere.");
  await inspect(page, "signed-out-everywhere");
  await isSignedOut(again);
});

test("linking and unlinking ask who it is, then do what was asked", async () => {
  await service.register("emma");
  const [page, { context, operations }] = await signedIn("emma");
  await playCorp(context, service, { sub: "corp-emma", email: "emma@corp.example" });
  await service.age("emma");

  const opened = page.waitForEvent("popup");
  await button(page, "Link Corp").click();
  const corp = await opened;
  await said(page, "Continue in the window of Corp.");
  const closed = corp.waitForEvent("close");
  await corp.getByRole("link", { name: "Agree" }).click();
  await dialog(page).waitFor();
  await closed;
  expect(await page.getByLabel("Your password").evaluate((field) => field === document.activeElement)).toBe(true);
  await inspect(page, "account-confirm");
  await confirm(page, "not the password");
  await dialog(page).locator("[aria-invalid=true]").waitFor();
  await inspect(page, "account-confirm-wrong");
  await confirm(page);
  await said(page, "Corp is linked to your account.");
  expect(await dialog(page).count()).toBe(0);
  await button(page, "Unlink Corp emma@corp.example").waitFor();
  expect(operations.slice(3, 8)).toEqual([
    "createSocialAuthUrl",
    "linkSocialAccount",
    "reauthenticate",
    "reauthenticate",
    "linkSocialAccount",
  ]);

  await service.age("emma");
  const unlink = button(page, "Unlink Corp emma@corp.example");
  await unlink.focus();
  await page.keyboard.press("Enter");
  await dialog(page).waitFor();
  await page.keyboard.press("Escape");
  await expect.poll(() => dialog(page).count()).toBe(0);
  expect(await unlink.evaluate((element) => element === document.activeElement)).toBe(true);

  // Corp itself may confirm it, too.
  await page.keyboard.press("Enter");
  const again = page.waitForEvent("popup");
  await button(page, "Confirm with Corp").click();
  await (await again).getByRole("link", { name: "Agree" }).click();
  await said(page, "Corp is unlinked.");
  await part(page, "Linked accounts").getByText("No linked accounts.").waitFor();
  expect(await focused(page)).toBe("Linked accounts");
});

test("refusing at the provider changes nothing", async () => {
  await service.register("fritzi");
  const [page, { context, operations }] = await signedIn("fritzi");
  await playCorp(context, service, {});
  const opened = page.waitForEvent("popup");
  await button(page, "Link Corp").click();
  await (await opened).getByRole("link", { name: "Refuse" }).click();
  await expect.poll(() => page.getByText("Continue in the window of Corp.").count()).toBe(0);
  expect(operations).not.toContain("linkSocialAccount");
  await part(page, "Linked accounts").getByText("No linked accounts.").waitFor();
});

test("an account without a password sets its first one, confirmed by its provider", async () => {
  const entered = await enter();
  await playCorp(entered.context, service, { sub: "corp-gesa", email: "gesa@example.com" });
  const page = await entered.open("/sign-in");
  await button(page, "Continue with Corp").click();
  await page.getByRole("link", { name: "Agree" }).click();
  await heading(page, "Your account");
  await part(page, "Password").getByText("Your account has no password yet.").waitFor();
  const username = await page.getByLabel("Username").inputValue();
  await service.age(username);

  await page.getByLabel("New password", { exact: true }).fill(NEW);
  await button(page, "Set password").click();
  await dialog(page).waitFor();
  expect(await dialog(page).getByLabel("Your password").count()).toBe(0);
  await inspect(page, "account-confirm-provider");
  const opened = page.waitForEvent("popup");
  await button(page, "Confirm with Corp").click();
  await (await opened).getByRole("link", { name: "Agree" }).click();
  await said(page, "Your password is set.");
  await page.getByLabel("Current password", { exact: true }).waitFor();
  await button(page, "Sign out").click();
  await signIn(page, "gesa", NEW);
  await heading(page, "Your account");
});

test("a callback that no page waits for sends nothing", async () => {
  await service.register("hanna");
  const [, { context, operations }] = await signedIn("hanna");
  const before = operations.length;
  const window = await context.newPage();
  await window.goto("/callback?code=injected&state=injected");
  await window.getByText("You can close this window").waitFor();
  expect(new URL(window.url()).search).toBe("");
  await inspect(window, "handover");
  await window.getByRole("link", { name: "Go to your account" }).click();
  await heading(window, "Your account");
  expect(operations.slice(before)).not.toContain("linkSocialAccount");
});

test("the export is a JSON file with the account's data", async () => {
  await service.register("ida");
  const [page] = await signedIn("ida");
  await service.age("ida");
  await button(page, "Download your data").click();
  const [download] = await Promise.all([page.waitForEvent("download"), confirm(page)]);
  await said(page, "Your data is in your downloads.");
  expect(download.suggestedFilename()).toMatch(/^account-\d{4}-\d\d-\d\d\.json$/);
  const text = await readFile(await download.path(), "utf8");
  expect(Object.keys(JSON.parse(text)).length).toBeGreaterThan(1);
  expect(text).toContain("ida@example.com");
});

test("deleting the account needs its name, and ends everything", async () => {
  await service.register("jana");
  const [other, laptop] = await signedIn("jana");
  laptop.expected.push(/401/);
  const [page, phone] = await signedIn("jana");
  const token = await refreshToken(phone);
  await service.age("jana");
  await button(page, "Delete account …").click();
  await dialog(page).getByLabel("Type your username").fill("john");
  await inspect(page, "account-delete");
  await page.keyboard.press("Enter");
  await dialog(page).getByText("Type jana to confirm.").waitFor();
  await button(page, "Keep account").click();
  expect(await focused(page)).toBe("Delete account …");
  expect(phone.operations).not.toContain("deleteAccount");

  await button(page, "Delete account …").click();
  await dialog(page).getByLabel("Type your username").fill("jana");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Confirm that it is you" }).waitFor();
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await heading(page, "Sign in");
  await said(page, "Your account is deleted.");
  await inspect(page, "account-deleted");
  await isSignedOut(other);
  const query = "mutation ($t: String!) { refreshToken(input: { refreshToken: $t }) { errors { code } } }";
  const { data } = await (await service.post(query, { t: token })).json();
  expect(data.refreshToken.errors).toEqual([{ code: "INVALID_GRANT" }]);
  await signIn(page, "jana", PASSWORD);
  await alert(page, /./);
});

test("more activity is loaded, and the focus stays with it", async () => {
  await service.register("karla");
  const [page] = await signedIn("karla");
  const activity = part(page, "Recent activity");
  for (let n = 1; n <= 6; n++) {
    await changePassword(page, n % 2 ? PASSWORD : NEW, n % 2 ? NEW : PASSWORD);
    await said(page, "Your password is changed.");
    await page.reload();
    await activity.getByRole("listitem").first().waitFor();
  }
  for (let n = 1; n <= 4; n++) await signedIn("karla");
  await page.reload();
  await expect.poll(() => activity.getByRole("listitem").count()).toBe(10);
  await button(page, "Show more activity").click();
  await activity.getByText("Showing all").waitFor();
  expect(await activity.getByRole("listitem").count()).toBeGreaterThan(10);
  expect(await focused(page)).toMatch("Showing all");
});

test("the keyboard is enough to change the password", async () => {
  await service.register("lisa");
  const [page] = await signedIn("lisa");
  await button(page, "Change address").focus();
  for (const key of ["Tab", PASSWORD, "Tab", "Tab", NEW, "Tab", "Tab", "Enter"]) {
    if (key === "Tab" || key === "Enter") await page.keyboard.press(key);
    else await page.keyboard.type(key);
  }
  await said(page, "Your password is changed.");
});

test("too many attempts show the time to wait, to sign in and to register", async () => {
  const RATE_LIMITS = "sign_in.account=2/16s,register.account=1/1m";
  const strict = await startService({ RATE_LIMITS });
  try {
    await strict.register("mara");
    const mara = await visit(browser, strict.url);
    const page = await mara.open("/sign-in");
    for (const _ of [1, 2]) {
      await signIn(page, "mara", "not the password");
      await alert(page, /./);
    }
    await signIn(page, "mara", PASSWORD);
    await page.getByRole("timer").waitFor();
    expect(await page.getByRole("timer").textContent()).toMatch(/^Try again in \d+ seconds?\.$/);
    const submit = page.getByRole("button", { name: "Sign in", exact: true });
    expect(await submit.getAttribute("aria-disabled")).toBe("true");
    const sent = mara.operations.length;
    await page.getByLabel("Password", { exact: true }).press("Enter");
    expect(mara.operations).toHaveLength(sent);
    await inspect(page, "sign-in-limited");
    await said(page, "You can try again now.");
    expect(await submit.getAttribute("aria-disabled")).toBe("false");
    await page.getByLabel("Password", { exact: true }).press("Enter");
    await heading(page, "Your account");
    await button(page, "Sign out").click();

    await page.getByRole("link", { name: "Create an account" }).click();
    await page.getByLabel("First name").fill("Mara");
    await page.getByLabel("Username").fill("mara");
    await page.getByLabel("E-mail").fill("nele@example.com");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await button(page, "Create account").click();
    await alert(page, "Please correct one field.");
    await button(page, "Create account").click();
    await page.getByRole("timer").waitFor();
    expect(await button(page, "Create account").getAttribute("aria-disabled")).toBe("true");
    await inspect(page, "register-limited");
    await mara.leave();
  } finally {
    await strict.stop();
  }
});

/** The second step of a sign-in: set up, asked for, and removed, against the real service. */
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alert, heading, inspect, launch, signIn, visit, type Visit } from "./browser";
import { playCorp } from "./corp";
import { PASSWORD, startService, type Service } from "./service";
import { app, setUpApp, type App } from "./totp";

const NEW = "seven geese walk to Uppsala";
let service: Service;
let strict: Service;
let browser: Browser;
const visits: Visit[] = [];

beforeAll(async () => {
  [service, strict, browser] = await Promise.all([
    startService({ MFA_REMEMBER_DAYS: "30" }),
    startService({ EMAIL_VERIFICATION: "mandatory", MFA_REQUIRED_FOR: "all", RATE_LIMITS: "factor.account=3/20s" }),
    launch(),
  ]);
  await service.allowCallback();
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([service?.stop(), strict?.stop()]);
});
afterEach(async () => {
  for (const left of visits.splice(0)) await left.leave();
});

async function enter(at = service): Promise<Visit> {
  const entered = await visit(browser, at.url);
  visits.push(entered);
  return entered;
}

const part = (page: Page, name = "Two-step sign-in") => page.getByRole("region", { name, exact: true });
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const dialog = (page: Page) => page.getByRole("dialog");
const said = (page: Page, text: string | RegExp) =>
  page.getByRole("status").filter({ hasText: text }).first().waitFor();
const field = (page: Page) => page.getByLabel("Code of the app");
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent);
const hasFocus = (page: Page) => field(page).evaluate((input) => input === document.activeElement);
const isWrong = (page: Page, label = "Code of the app") =>
  expect.poll(() => page.getByLabel(label).getAttribute("aria-invalid")).toBe("true");
const signOut = (page: Page) => button(page, "Sign out").click();

/** Types the key as it is shown into an app. */
const keyOf = async (page: Page): Promise<App> =>
  app((await page.locator(".key").textContent())!.replaceAll(" ", ""));
const codesOf = (page: Page) => page.locator(".codes li").allTextContents();

async function answer(page: Page, code: string, label = "Code of the app"): Promise<void> {
  await page.getByLabel(label).fill(code);
  await page.keyboard.press("Enter");
}

/** A browser in which somebody with an authenticator app has shown the password. */
async function atSecondStep(username: string): Promise<[Page, App, string[], Visit]> {
  await service.register(username);
  const [own, codes] = await setUpApp(service, username);
  const entered = await enter();
  const page = await entered.open("/sign-in");
  await signIn(page, username, PASSWORD);
  await heading(page, "Second step");
  return [page, own, codes, entered];
}

test("an app is set up on the account page; then signing in asks for its code, each of them once", async () => {
  await service.register("ada");
  await service.verify("ada");
  const ada = await enter();
  const page = await ada.open("/sign-in");
  await signIn(page, "ada", PASSWORD);
  await part(page).getByText(/^Off\./).waitFor();
  await button(page, "Set up an authenticator app").click();
  await page.getByRole("img", { name: "QR code for the app" }).waitFor();
  expect(await focused(page)).toMatch(/^Scan this QR code/);
  const own = await keyOf(page);
  expect(await page.getByRole("link", { name: "open it here" }).getAttribute("href")).toMatch(/^otpauth:\/\/totp\//);
  await inspect(page, "two-step-app");

  await answer(page, own.wrong());
  await isWrong(page);
  expect(await hasFocus(page)).toBe(true);
  await inspect(page, "two-step-app-wrong");
  await answer(page, await own.code());
  await said(page, "Your authenticator app is set up.");
  expect(new Set(await codesOf(page)).size).toBe(10);
  await inspect(page, "two-step-recovery-codes");
  await button(page, "I have saved them").click();
  expect(await focused(page)).toBe("Two-step sign-in");
  await part(page).getByText("10 recovery codes are left.").waitFor();
  await inspect(page, "two-step-on");

  await signOut(page);
  await signIn(page, "ada", PASSWORD);
  await heading(page, "Second step");
  expect(await focused(page)).toBe("Second step");
  await inspect(page, "second-step");
  expect(await page.evaluate(() => ({ ...localStorage }))).toEqual({});
  await answer(page, own.last());
  await isWrong(page);
  await answer(page, own.wrong());
  await isWrong(page);
  await inspect(page, "second-step-wrong");
  await answer(page, await own.code());
  await heading(page, "Your account");
  expect(await page.evaluate(() => ({ ...sessionStorage }))).toEqual({});
});

test("recovery codes are saved as a file, copied, and printed alone", async () => {
  await service.register("bea");
  await service.verify("bea");
  const bea = await enter();
  await bea.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await bea.open("/sign-in");
  await signIn(page, "bea", PASSWORD);
  await button(page, "Set up an authenticator app").click();
  const own = await keyOf(page);
  await button(page, "Copy the key").click();
  await said(page, "Copied.");
  const key = await page.evaluate(() => navigator.clipboard.readText());
  expect(key).toBe((await page.locator(".key").textContent())!.replaceAll(" ", ""));
  await answer(page, await own.code());
  await said(page, "Your authenticator app is set up.");
  const codes = await codesOf(page);

  const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Download").click()]);
  expect(download.suggestedFilename()).toBe("latchkey-recovery-codes.txt");
  const text = await readFile(await download.path(), "utf8");
  for (const code of codes) expect(text).toContain(code);
  await button(page, "Copy").click();
  await said(page, "Copied.");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(text);

  await page.emulateMedia({ media: "print" });
  expect(await page.locator(".codes").isVisible()).toBe(true);
  expect(await page.getByRole("heading", { name: "Profile" }).isVisible()).toBe(false);
  expect(await page.locator("header").isVisible()).toBe(false);
  expect(await page.locator("button").filter({ visible: true }).count()).toBe(0);
  await page.emulateMedia({ media: "screen" });
});

test("a recovery code signs in once, and new ones replace all", async () => {
  const [page, own, [first, second]] = await atSecondStep("cara");
  await button(page, "Use a recovery code").click();
  await inspect(page, "second-step-recovery");
  await answer(page, first!, "Recovery code");
  await heading(page, "Your account");
  await part(page).getByText("9 recovery codes are left.").waitFor();

  await button(page, "Make new recovery codes").click();
  await said(page, "These are your new recovery codes.");
  const [fresh] = await codesOf(page);
  await button(page, "I have saved them").click();
  await part(page).getByText("10 recovery codes are left.").waitFor();
  await signOut(page);
  await signIn(page, "cara", PASSWORD);
  await button(page, "Use a recovery code").click();
  for (const old of [first!, second!]) {
    await answer(page, old, "Recovery code");
    await isWrong(page, "Recovery code");
  }
  await answer(page, fresh!, "Recovery code");
  await heading(page, "Your account");
  expect(own.last()).toHaveLength(6);
});

test("removing the app needs the password and a code, and then signing in needs the password alone", async () => {
  const [page, own, , { operations }] = await atSecondStep("dora");
  await answer(page, await own.code());
  await part(page).getByText(/^On\./).waitFor();
  await service.age("dora");
  await button(page, "Remove the app …").click();
  await inspect(page, "two-step-remove");
  await button(page, "Remove the app").click();
  await dialog(page).getByLabel("Your password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await dialog(page).getByRole("heading", { name: "Confirm the second step" }).waitFor();
  await expect.poll(() => hasFocus(page)).toBe(true);
  await inspect(page, "account-confirm-second");
  await answer(page, own.wrong());
  await isWrong(page);
  await answer(page, await own.code());
  await said(page, "Your authenticator app is removed.");
  expect(operations.slice(-5)).toEqual(["reauthenticate", "reauthenticate", "reauthenticate", "disableTotp", "me"]);
  await part(page).getByText(/^Off\./).waitFor();
  await signOut(page);
  await signIn(page, "dora", PASSWORD);
  await heading(page, "Your account");
});

test("a password alone does not change the password where a second step is on", async () => {
  const [page, own] = await atSecondStep("emma");
  await answer(page, await own.code());
  await part(page).getByText(/^On\./).waitFor();
  await service.age("emma");
  await page.getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password", { exact: true }).fill(NEW);
  await page.keyboard.press("Enter");
  await dialog(page).getByLabel("Your password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await dialog(page).getByRole("heading", { name: "Confirm the second step" }).waitFor();
  await button(page, "Cancel").click();
  await expect.poll(() => dialog(page).count()).toBe(0);
  await signOut(page);
  await signIn(page, "emma", NEW);
  await alert(page, /./);
});

test("the second step survives a reload, and can be left", async () => {
  const [page, own] = await atSecondStep("fritzi");
  await page.reload();
  await heading(page, "Second step");
  await answer(page, await own.code());
  await heading(page, "Your account");
  await signOut(page);
  await signIn(page, "fritzi", PASSWORD);
  await heading(page, "Second step");
  await button(page, "Cancel").click();
  await heading(page, "Sign in");
  await page.reload();
  await heading(page, "Sign in");
});

test("a step that is over leads back to the sign-in", async () => {
  const [page, own] = await atSecondStep("gesa");
  await service.manage(
    "shell",
    "-c",
    'from accounts.challenges.models import Challenge; Challenge.objects.filter(account__username="gesa").delete()',
  );
  await answer(page, await own.code());
  await heading(page, "Please sign in again");
  await inspect(page, "second-step-over");
  await button(page, "Sign in again").click();
  await heading(page, "Sign in");
});

test("a remembered browser is not asked again, until the password changes", async () => {
  const [page, own, , { context }] = await atSecondStep("hanna");
  await page.getByLabel("Do not ask again in this browser for 30 days").check();
  await answer(page, await own.code());
  await part(page, "Where you are signed in").getByText("Signs in without the second step").waitFor();
  const cookie = (await context.cookies()).find(({ name }) => name === "remembered_browser")!;
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
  await inspect(page, "account-remembered");
  await signOut(page);
  await signIn(page, "hanna", PASSWORD);
  await heading(page, "Your account");

  const elsewhere = await enter();
  const other = await elsewhere.open("/sign-in");
  await signIn(other, "hanna", PASSWORD);
  await heading(other, "Second step");

  // The factor was not shown in this session, so this change asks for it.
  await page.getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password", { exact: true }).fill(NEW);
  await page.keyboard.press("Enter");
  await dialog(page).getByLabel("Your password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await answer(page, await own.code());
  await said(page, "Your password is changed.");
  await signOut(page);
  await signIn(page, "hanna", NEW);
  await heading(page, "Second step");
});

test("a provider with the account's address is linked after the second step", async () => {
  await service.register("ida");
  const [own] = await setUpApp(service, "ida");
  const ida = await enter();
  await playCorp(ida.context, service, { sub: "corp-ida", email: "ida@example.com" });
  const page = await ida.open("/sign-in");
  await button(page, "Continue with Corp").click();
  await page.getByRole("link", { name: "Agree" }).click();
  await heading(page, "You already have an account");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await heading(page, "Second step");
  await answer(page, await own.code());
  await said(page, "Corp is linked to your account.");
});

test("where everybody needs a second step, a new account gets its session only after setting one up", async () => {
  const jana = await enter(strict);
  const page = await jana.open("/register");
  await page.getByLabel("First name").fill("Jana");
  await page.getByLabel("Username").fill("jana");
  await page.getByLabel("E-mail").fill("jana@example.com");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await heading(page, "Check your mail");
  const { code } = await strict.mail("jana@example.com", "/verify-email");
  await answer(page, code, "Code from the mail");
  await heading(page, "Set up a second step");
  expect(await jana.context.cookies()).toEqual([]);
  await inspect(page, "set-up-second-step");
  await page.reload();
  await heading(page, "Set up a second step");

  await button(page, "Use an authenticator app").click();
  await heading(page, "Set up your app");
  await page.getByRole("img", { name: "QR code for the app" }).waitFor();
  const own = await keyOf(page);
  await inspect(page, "set-up-app");
  await answer(page, await own.code());
  await heading(page, "Save your recovery codes");
  expect(await jana.context.cookies()).toEqual([]);
  await inspect(page, "set-up-recovery-codes");
  await page.reload();
  await heading(page, "Your second step is set up");
  await inspect(page, "set-up-reloaded");
  await button(page, "Sign in").click();
  await heading(page, "Your account");
  expect(jana.operations.filter((name) => name !== "authConfig")).toEqual([
    "register",
    "answerEmailVerificationChallenge",
    "createTotpEnrollment",
    "confirmTotpEnrollment",
    "answerMfaEnrollmentChallenge",
    "me",
  ]);

  await signOut(page);
  await signIn(page, "jana", PASSWORD);
  await heading(page, "Second step");
  expect(await page.getByRole("checkbox").count()).toBe(0);
  for (let time = 1; time <= 3; time++) {
    await answer(page, own.wrong());
    await isWrong(page);
  }
  await answer(page, own.wrong());
  await page.getByRole("timer").waitFor();
  await inspect(page, "second-step-limited");
  await said(page, "You can try again now.");
  await answer(page, await own.code());
  await heading(page, "Your account");
});

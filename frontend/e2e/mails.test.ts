/** Every mailed link and code, from the mail to its end, against the real service.
 *
 *  A scanner opens each link twice, with scripts on, before its reader does: the press still works (S72). */
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alert, heading, inspect, launch, signIn, visit, type Visit } from "./browser";
import { PASSWORD, startService, type Service } from "./service";

const NEW = "seven geese walk to Uppsala";
const LINKS = [
  "/verify-email",
  "/disown-registration",
  "/reset-password",
  "/sign-in-link",
  "/confirm-email",
  "/undo-email-change",
  "/secure-account",
  "/cancel-deletion",
];
let service: Service;
let strict: Service;
let browser: Browser;
const visits: Visit[] = [];

beforeAll(async () => {
  [service, strict, browser] = await Promise.all([
    startService({ DELETION_GRACE_DAYS: "7" }),
    startService({ EMAIL_VERIFICATION: "mandatory", SIGN_IN_BY_MAIL: "false" }),
    launch(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([service?.stop(), strict?.stop()]);
});
afterEach(async () => {
  for (const left of visits.splice(0)) await left.leave();
});

/** A browser of its own. It fails for foreign scripts: the pages of links load none. */
async function enter(at = service, stubs?: Record<string, string>): Promise<Visit> {
  const entered = await visit(browser, at.url, stubs);
  visits.push(entered);
  return entered;
}

const address = (username: string) => `${username}@example.com`;
const part = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const said = (page: Page, text: string | RegExp) =>
  page.getByRole("status").filter({ hasText: text }).first().waitFor();
const follow = (page: Page, name: string) => page.getByRole("link", { name, exact: true }).click();
const code = (page: Page | Locator) => page.getByLabel("Code from the mail");
const sent = ({ operations }: Visit) => operations.filter((name) => name !== "authConfig");

async function look(page: Page, name: string): Promise<void> {
  await inspect(page, name, { sizes: { small: { width: 320, height: 640 } } });
}

/** Opens the link as a scanner of mails does: twice, with scripts on, without a press. */
async function scan(link: string): Promise<void> {
  const scanner = await visit(browser, new URL(link).origin, {});
  for (let time = 0; time < 2; time++) {
    const page = await scanner.open(link);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    await page.close();
  }
  expect(sent(scanner)).toEqual([]);
  await scanner.leave();
}

/** Opens the link of a mail, once a scanner has. */
async function open(link: string, entered: Visit): Promise<Page> {
  await scan(link);
  const page = await entered.open(link);
  await page.getByRole("heading", { level: 1 }).waitFor();
  const before = sent(entered);
  // The token is nowhere but in the tab's storage, from which a reload takes it.
  expect(page.url()).not.toContain("token");
  expect(await page.evaluate(() => document.referrer)).toBe("");
  await page.reload();
  await page.getByRole("heading", { level: 1 }).waitFor();
  expect(sent(entered).filter((name) => name !== "refreshToken")).toEqual(before.filter((name) => name !== "refreshToken"));
  return page;
}

async function signedIn(username: string, password = PASSWORD, at = service): Promise<[Page, Visit]> {
  const entered = await enter(at);
  const page = await entered.open("/sign-in");
  await signIn(page, username, password);
  await heading(page, "Your account");
  await part(page, "Recent activity").getByRole("listitem").first().waitFor();
  return [page, entered];
}

async function canSignIn(username: string, password: string, at = service): Promise<boolean> {
  const input = { email: address(username), password };
  const query = "mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { tokens { expiresIn } errors { code } } }";
  const { data } = await (await at.post(query, { input })).json();
  return data.tokenAuth.tokens !== null;
}

async function register(page: Page, username: string, email = address(username)): Promise<void> {
  await page.getByLabel("First name").fill(username);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await button(page, "Create account").click();
}

test("a new account's address is confirmed by the link, in the browser that signed up", async () => {
  const ada = await enter();
  const page = await ada.open("/register");
  await register(page, "ada");
  await part(page, "Confirm your address").waitFor();
  await look(page, "account-unconfirmed");
  const { link } = await service.mail(address("ada"), "/verify-email");
  const tab = await open(link, ada);
  await heading(tab, "Confirm your address");
  await look(tab, "verify-email");
  await button(tab, "Confirm address").click();
  await heading(tab, "Your address is confirmed");
  await follow(tab, "Go to your account");
  await heading(tab, "Your account");
  expect(await part(tab, "Confirm your address").count()).toBe(0);
  expect(await canSignIn("ada", PASSWORD)).toBe(true);
});

test("a new account's address is confirmed by its code, of the newest mail", async () => {
  await service.register("bea");
  const [page] = await signedIn("bea");
  const first = await service.mail(address("bea"), "/verify-email");
  await code(page).fill("BCDF-GHJK");
  await button(page, "Confirm address").click();
  await alert(page, "Please correct one field.");
  await look(page, "account-wrong-code");
  await button(page, "Send a new mail").click();
  await said(page, "The newest mail counts.");
  const { code: mailed } = await service.mail(address("bea"), "/verify-email", 2);
  expect(mailed).not.toBe(first.code);
  await code(page).fill(mailed.toLowerCase().replace("-", " "));
  await button(page, "Confirm address").click();
  await said(page, "Your address is confirmed.");
  await page.getByText("not verified").waitFor({ state: "detached" });
});

test("in another browser, the link asks for a new password, and everything from before ends (S85)", async () => {
  await service.register("cleo");
  const { link } = await service.mail(address("cleo"), "/verify-email");
  const page = await open(link, await enter(service, {}));
  await button(page, "Confirm address").click();
  await heading(page, "Choose a new password");
  await look(page, "verify-email-password");
  await page.getByLabel("New password", { exact: true }).fill("short");
  await button(page, "Set password and confirm").click();
  await alert(page, "Please correct one field.");
  await page.getByLabel("New password", { exact: true }).fill(NEW);
  await button(page, "Set password and confirm").click();
  await heading(page, "Your address is confirmed");
  expect(await canSignIn("cleo", PASSWORD)).toBe(false);
  expect(await canSignIn("cleo", NEW)).toBe(true);
});

test("who did not sign up deletes the account, from the page of the link or by the mail's second link", async () => {
  for (const username of ["dora", "dina"]) await service.register(username);
  const { link } = await service.mail(address("dora"), "/verify-email");
  const page = await open(link, await enter(service, {}));
  await follow(page, "Delete the account");
  await heading(page, "Delete the account?");
  expect(page.url()).not.toContain("token");
  await look(page, "disown-registration");
  await button(page, "I did not sign up: delete the account").click();
  await heading(page, "The account is deleted");
  expect(await canSignIn("dora", PASSWORD)).toBe(false);

  const second = await service.mail(address("dina"), "/disown-registration");
  const other = await open(second.link, await enter(service, {}));
  await button(other, "I did not sign up: delete the account").click();
  await heading(other, "The account is deleted");
  expect(await canSignIn("dina", PASSWORD)).toBe(false);
});

test("a forgotten password is replaced with the code", async () => {
  await service.register("emma");
  await service.verify("emma");
  const emma = await enter();
  const page = await emma.open("/sign-in");
  await look(page, "sign-in-with-mail");
  await follow(page, "Forgot your password?");
  await heading(page, "Choose a new password");
  await look(page, "forgot-password");
  await page.getByLabel("E-mail").fill(address("emma"));
  await page.keyboard.press("Enter");
  await heading(page, "Check your mail");
  const { code: mailed } = await service.mail(address("emma"), "/reset-password");
  await page.reload();
  await heading(page, "Check your mail");
  await code(page).fill("BCDF-GHJK");
  await page.getByLabel("New password", { exact: true }).fill(NEW);
  await page.keyboard.press("Enter");
  await alert(page, "Please correct one field.");
  await look(page, "forgot-password-code");
  await code(page).fill(mailed);
  await page.keyboard.press("Enter");
  await heading(page, "Your password is changed");
  await follow(page, "Sign in");
  await signIn(page, "emma", NEW);
  await heading(page, "Your account");
});

test("a forgotten password is replaced with the link, once, and its session elsewhere ends", async () => {
  await service.register("fred");
  await service.verify("fred");
  const [account, fred] = await signedIn("fred");
  fred.expected.push(/401/);
  await account.goto("/forgot-password");
  await account.getByLabel("E-mail").fill(address("fred"));
  await account.keyboard.press("Enter");
  const { link } = await service.mail(address("fred"), "/reset-password");
  const page = await open(link, fred);
  await heading(page, "Choose a new password");
  await look(page, "reset-password");
  await page.getByLabel("New password", { exact: true }).fill(NEW);
  await button(page, "Change password").click();
  await heading(page, "Your password is changed");
  // The page has found out that the session of this browser has ended.
  await follow(page, "Sign in");
  await heading(page, "Sign in");
  await page.goto(link);
  await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
  await button(page, "Change password").click();
  await heading(page, "This link no longer works");
  await look(page, "link-used");
  await follow(page, "Send a new mail");
  await heading(page, "Choose a new password");
  expect(await canSignIn("fred", NEW)).toBe(true);
});

test("a mailed code signs in, and an unknown address is told by mail alone", async () => {
  await service.register("gwen");
  await service.verify("gwen");
  const gwen = await enter();
  const page = await gwen.open("/sign-in");
  await follow(page, "Sign in by mail");
  await heading(page, "Sign in by mail");
  await look(page, "sign-in-code");
  await page.getByLabel("E-mail").fill(address("nobody"));
  await page.keyboard.press("Enter");
  await heading(page, "Check your mail");
  const { link } = await service.mail(address("nobody"), "/register");
  const other = await (await enter()).open(link);
  await heading(other, "Create an account");
  await button(page, "Use another address").click();
  await page.getByLabel("E-mail").fill(address("gwen"));
  await page.keyboard.press("Enter");
  const { code: mailed } = await service.mail(address("gwen"), "/sign-in-link");
  await code(page).fill("BCDF-GHJK");
  await page.keyboard.press("Enter");
  await alert(page, "Please correct one field.");
  await look(page, "sign-in-code-typed");
  await code(page).fill(mailed);
  await page.keyboard.press("Enter");
  await heading(page, "Your account");
});

test("a sign-in link signs in where it is pressed, and says so before", async () => {
  await service.register("hugo");
  await service.verify("hugo");
  const page = await (await enter()).open("/sign-in-code");
  await page.getByLabel("E-mail").fill(address("hugo"));
  await page.keyboard.press("Enter");
  const { link } = await service.mail(address("hugo"), "/sign-in-link");
  const phone = await open(link, await enter());
  await phone.getByText("You are about to sign in").waitFor();
  await look(phone, "sign-in-link");
  await button(phone, "Sign in on this device").click();
  await heading(phone, "Your account");
  await phone.getByText(address("hugo")).first().waitFor();
  expect(new URL(phone.url()).pathname).toBe("/");
  await heading(page, "Check your mail");
  // The code has gone with the link.
  await phone.goto(link);
  await heading(phone, "You are already signed in");
  await look(phone, "sign-in-link-signed-in");
});

test("a new address is confirmed, and the former one undoes it", async () => {
  await service.register("ida");
  await service.verify("ida");
  const [page, ida] = await signedIn("ida");
  await service.age("ida");
  await part(page, "E-mail address").getByLabel("New e-mail address").fill(address("ida-new"));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Mail me a code" }).click();
  const proof = await service.mail(address("ida"));
  await code(dialog).fill("BCDF-GHJK");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").filter({ hasText: "Please correct one field." }).waitFor();
  await look(page, "reauthentication-code");
  await code(dialog).fill(proof.code);
  await page.keyboard.press("Enter");

  const section = part(page, "E-mail address");
  await section.getByText(address("ida-new")).waitFor();
  await look(page, "account-pending-address");
  await button(page, "Cancel the change").click();
  await said(page, "Your address stays as it is.");
  await section.getByLabel("New e-mail address").fill(address("ida-new"));
  await page.keyboard.press("Enter");
  const { code: mailed } = await service.mail(address("ida-new"), "/confirm-email", 2);
  await code(section).fill(mailed);
  await page.keyboard.press("Enter");
  await said(page, `Your address is now ${address("ida-new")}.`);

  const { link } = await service.mail(address("ida"), "/undo-email-change");
  ida.expected.push(/401/);
  const tab = await open(link, ida);
  await heading(tab, "Undo the change of your address?");
  await look(tab, "undo-email-change");
  await button(tab, "Undo the change").click();
  await heading(tab, "The change is undone");
  await look(tab, "undo-email-change-done");
  await heading(page, "Sign in");
  expect(await canSignIn("ida", PASSWORD)).toBe(false);
  const reset = await service.mail(address("ida"), "/reset-password");
  const chosen = await open(reset.link, ida);
  await chosen.getByLabel("New password", { exact: true }).fill(NEW);
  await button(chosen, "Change password").click();
  await heading(chosen, "Your password is changed");
  expect(await canSignIn("ida", NEW)).toBe(true);
});

test("a new address is confirmed by the link, in the account that asked", async () => {
  await service.register("jan");
  await service.register("jo");
  await service.verify("jan");
  const [page] = await signedIn("jan");
  await part(page, "E-mail address").getByLabel("New e-mail address").fill(address("jan-new"));
  await page.keyboard.press("Enter");
  const { link } = await service.mail(address("jan-new"), "/confirm-email");
  const other = await open(link, await enter());
  await heading(other, "Sign in to go on");
  await look(other, "confirm-email-signed-out");
  await signIn(other, "jo", PASSWORD);
  await button(other, "Confirm address").click();
  await heading(other, "This link does not work");
  await follow(other, "your account");
  await button(other, "Sign out").click();
  await heading(other, "Sign in");
  await other.goto(link);
  await signIn(other, "jan", PASSWORD);
  await heading(other, "Confirm your new address");
  await look(other, "confirm-email");
  await button(other, "Confirm address").click();
  await heading(other, "Your address is changed");
  expect(await canSignIn("jan-new", PASSWORD)).toBe(true);
});

test("a notice's link secures the account", async () => {
  await service.register("kim");
  await service.verify("kim");
  const [page, kim] = await signedIn("kim");
  kim.expected.push(/401/);
  await part(page, "Password").getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await part(page, "Password").getByLabel("New password", { exact: true }).fill(NEW);
  await page.keyboard.press("Enter");
  await said(page, "Your password is changed.");
  const { link } = await service.mail(address("kim"), "/secure-account");
  const other = await open(link, await enter(service, {}));
  await heading(other, "Secure your account?");
  await look(other, "secure-account");
  await button(other, "This was not me: secure the account").click();
  await heading(other, "Your account is secured");
  await page.reload();
  await heading(page, "Sign in");
  expect(await canSignIn("kim", NEW)).toBe(false);
  const reset = await service.mail(address("kim"), "/reset-password");
  const chosen = await open(reset.link, await enter(service, {}));
  await chosen.getByLabel("New password", { exact: true }).fill("a ship in port is safe");
  await button(chosen, "Change password").click();
  await heading(chosen, "Your password is changed");
  expect(await canSignIn("kim", "a ship in port is safe")).toBe(true);
});

test("a deleted account waits, and the link keeps it", async () => {
  await service.register("lea");
  await service.verify("lea");
  const [page] = await signedIn("lea");
  await button(page, "Delete account …").click();
  await page.getByLabel(/Type your username/).fill("lea");
  await button(page, "Delete account").click();
  await heading(page, "Sign in");
  await said(page, "will be deleted on");
  await look(page, "deletion-scheduled");
  expect(await canSignIn("lea", PASSWORD)).toBe(false);
  const { link } = await service.mail(address("lea"), "/cancel-deletion");
  const other = await open(link, await enter(service, {}));
  await heading(other, "Keep your account?");
  await look(other, "cancel-deletion");
  await button(other, "Keep the account").click();
  await heading(other, "Your account stays");
  // Whoever deleted it knows the password.
  await other.getByRole("link", { name: "choose a new one" }).waitFor();
  expect(await canSignIn("lea", PASSWORD)).toBe(true);
});

test("where confirmation is mandatory, the code finishes the sign-up, also after a reload", async () => {
  const mia = await enter(strict);
  const page = await mia.open("/register");
  await register(page, "mia");
  await heading(page, "Check your mail");
  await page.reload();
  await heading(page, "Check your mail");
  await look(page, "check-mail");
  await code(page).fill("BCDF-GHJK");
  await page.keyboard.press("Enter");
  await alert(page, "Please correct one field.");
  await button(page, "Send a new mail").click();
  await said(page, "The newest mail counts.");
  const { code: mailed } = await strict.mail(address("mia"), "/verify-email", 2);
  await code(page).fill(mailed);
  await page.keyboard.press("Enter");
  await heading(page, "Your account");
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test("where confirmation is mandatory, the link in a new tab knows the registration of the first (S85)", async () => {
  const nina = await enter(strict);
  const page = await nina.open("/register");
  await register(page, "nina");
  await heading(page, "Check your mail");
  const { link } = await strict.mail(address("nina"), "/verify-email");
  const tab = await open(link, nina);
  await tab.getByText(address("nina")).waitFor();
  await button(tab, "Confirm address").click();
  await heading(tab, "Your address is confirmed");
  await heading(page, "Sign in");
  await follow(tab, "Sign in");
  await signIn(tab, "nina", PASSWORD);
  await heading(tab, "Your account");
});

test("where confirmation is mandatory, a taken address looks like a new one", async () => {
  const page = await (await enter(strict)).open("/register");
  await register(page, "maya", address("mia"));
  await heading(page, "Check your mail");
  expect(await strict.mail(address("mia"), "/sign-in")).toMatchObject({ code: "" });
});

test("incomplete and wrong links say what to do next, and links are for their page only", async () => {
  await service.register("otto");
  const foreign = new URL((await service.mail(address("otto"), "/verify-email")).link).hash;
  const visitor = await enter(service, {});
  const page = await visitor.context.newPage();
  for (const path of LINKS) {
    await page.goto(path);
    await heading(page, "This link is not complete");
    expect(await page.locator("main").textContent()).toMatch(/mail|help|password/);
    const isOwn = path === "/verify-email" || path === "/disown-registration";
    for (const token of isOwn ? ["#token=wrong"] : ["#token=wrong", foreign]) {
      // Another page in between: one with the same path would not load again.
      await page.goto("about:blank");
      await page.goto(path + token);
      if (path === "/confirm-email") {
        await heading(page, "Sign in to go on");
        continue;
      }
      if (path === "/reset-password") await page.getByLabel("New password", { exact: true }).fill(NEW);
      await page.locator("form button[type=submit]").click();
      await heading(page, "This link does not work");
    }
  }
  await look(page, "link-wrong");
  await page.goto("/verify-email");
  await look(page, "link-incomplete");
  await page.getByLabel("E-mail").fill(address("otto"));
  await button(page, "Send a new mail").click();
  await said(page, "a mail is on its way");
  await service.mail(address("otto"), "/verify-email", 2);
});

test("the link of another mail replaces the one that is open", async () => {
  await service.register("paul");
  const { link } = await service.mail(address("paul"), "/verify-email");
  const page = await (await enter(service, {})).open("/verify-email#token=wrong");
  await button(page, "Confirm address").click();
  await heading(page, "This link does not work");
  await page.evaluate((hash) => void (location.hash = hash), new URL(link).hash);
  await heading(page, "Confirm your address");
  expect(page.url()).not.toContain("token");
});

test("where signing in by mail is off, the pages say so", async () => {
  const page = await (await enter(strict)).open("/sign-in");
  await page.getByRole("button", { name: "Continue with Google" }).waitFor();
  expect(await page.getByRole("link", { name: "Sign in by mail" }).count()).toBe(0);
  await page.goto("/sign-in-code");
  await page.getByText("This service does not sign in by mail.").waitFor();
});

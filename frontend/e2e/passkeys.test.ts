/** Passkeys against the real service, with Chromium's virtual authenticator. They belong to a domain: localhost. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openWith, untilAsked, type Authenticator } from "./authenticator";
import { alert, heading, inspect, launch, signIn, visit, type Visit } from "./browser";
import { PASSWORD, startService, type Service } from "./service";

let service: Service;
let browser: Browser;
const visits: Visit[] = [];

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});
afterEach(async () => {
  for (const left of visits.splice(0)) await left.leave();
});

const atLocalhost = ({ url }: Service) => url.replace("127.0.0.1", "localhost");
async function enter(at = service): Promise<Visit> {
  const entered = await visit(browser, atLocalhost(at));
  // Signing out may overtake the account page, which reads the account again after each change.
  entered.expected.push(/401/);
  visits.push(entered);
  return entered;
}

const part = (page: Page, name = "Passkeys") => page.getByRole("region", { name, exact: true });
const rows = (page: Page) => part(page).getByRole("listitem");
const said = (page: Page, text: string | RegExp) =>
  page.getByRole("status").filter({ hasText: text }).first().waitFor();
const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });
const dialog = (page: Page) => page.getByRole("dialog");

/** An account with a verified address, which passkeys need. */
async function register(username: string): Promise<void> {
  await service.register(username);
  await service.verify(username);
}

async function signedIn(
  username: string,
  kind?: Parameters<typeof openWith>[2],
): Promise<[Page, Authenticator, Visit]> {
  const entered = await enter();
  const [page, authenticator] = await openWith(entered, "/sign-in", kind);
  await signIn(page, username, PASSWORD);
  await heading(page, "Your account");
  await part(page).waitFor();
  return [page, authenticator, entered];
}

async function addPasskey(page: Page, count = 1): Promise<void> {
  await button(page, "Add a passkey").click();
  await said(page, /is added/);
  await expect.poll(() => rows(page).count()).toBe(count);
}

async function signOut(page: Page): Promise<void> {
  await button(page, "Sign out").click();
  await heading(page, "Sign in");
}

/** Signs out. Suggestions of passkeys then wait for the user, where otherwise the authenticator would answer at once;
 *  it answers whatever is asked from then on. */
async function signOutQuietly(page: Page, authenticator: Authenticator): Promise<void> {
  await authenticator.answers(false);
  await untilAsked(page, () => signOut(page));
  await authenticator.answers(true);
}

test("a passkey is added, gets a name, and signs in by the button", async () => {
  await register("ada");
  const [page, phone] = await signedIn("ada");
  await part(page).getByText("No passkeys.").waitFor();
  await inspect(page, "account-no-passkeys");
  await addPasskey(page);
  await inspect(page, "account-passkey-added");
  await rows(page).getByText("On one device").waitFor();

  await button(page, /^Rename/).click();
  await inspect(page, "account-passkey-rename");
  await page.getByLabel("Name of the passkey").fill("");
  await button(page, "Save name").click();
  await alert(page, "Please correct one field.");
  await page.getByLabel("Name of the passkey").fill("Ada’s phone");
  await page.keyboard.press("Enter");
  await said(page, "The passkey has a new name.");
  await rows(page).getByText("Ada’s phone", { exact: true }).first().waitFor();

  await signOutQuietly(page, phone);
  await button(page, "Sign in with a passkey").waitFor();
  await inspect(page, "sign-in-passkey");
  await button(page, "Sign in with a passkey").click();
  await heading(page, "Your account");
  await rows(page).getByText(/last used/).waitFor();
  await part(page, "Recent activity").getByText(/passkey/i).first().waitFor();
});

test("a passkey signs in from the suggestions of the field for the address", async () => {
  await register("bea");
  const [page, phone, { operations }] = await signedIn("bea");
  await addPasskey(page);
  await signOutQuietly(page, phone);
  expect(await page.getByLabel("E-mail", { exact: true }).getAttribute("autocomplete")).toBe("username webauthn");
  expect(operations.at(-1)).toBe("createPasskeyAssertion");
  // The virtual authenticator shows no list: it answers as if the user had chosen the first.
  await page.reload();
  await heading(page, "Your account");
  expect(operations).toContain("tokenAuthWithPasskey");
});

test("the form for the password works while suggestions wait", async () => {
  await register("cleo");
  const [page, phone] = await signedIn("cleo");
  await addPasskey(page);
  await phone.answers(false);
  await untilAsked(page, () => signOut(page));
  await signIn(page, "cleo", "not the password");
  await alert(page, /./);
  await signIn(page, "cleo", PASSWORD);
  await heading(page, "Your account");
});

test("a passkey confirms who one is before a change", async () => {
  await register("dora");
  const [page] = await signedIn("dora");
  await addPasskey(page);
  await service.age("dora");
  await page.getByLabel("New e-mail address").fill("dora@example.org");
  await button(page, "Change address").click();
  await dialog(page).waitFor();
  await inspect(page, "reauthentication-passkey");
  await button(page, "Confirm with a passkey").click();
  await page.getByText("We have sent a mail to").first().waitFor();
  expect(await dialog(page).count()).toBe(0);
});

test("without the user's finger, a passkey neither signs in nor confirms", async () => {
  await register("emma");
  const [page, phone] = await signedIn("emma");
  await addPasskey(page);
  await service.age("emma");
  await phone.verifies(false);
  await page.getByLabel("New e-mail address").fill("emma@example.org");
  await button(page, "Change address").click();
  await button(page, "Confirm with a passkey").click();
  await alert(page, "No passkey was used");
  await inspect(page, "reauthentication-passkey-cancelled");
  await button(page, "Cancel").click();
  expect(await page.getByText("We have sent a mail to").count()).toBe(0);

  await signOut(page);
  await button(page, "Sign in with a passkey").click();
  await alert(page, "No passkey was used");
  await inspect(page, "sign-in-passkey-cancelled");
});

test("a passkey that nobody confirms in time says so, and the next attempt works", async () => {
  await register("fay");
  const [page, phone] = await signedIn("fay");
  await addPasskey(page);
  await signOutQuietly(page, phone);
  await page.route("**/graphql", async (route) => {
    const response = await route.fetch();
    const body = await response.text();
    await route.fulfill({ response, body: body.replace(/"timeout":\s*\d+/, '"timeout": 1500') });
  });
  await phone.answers(false);
  const attempt = async () => {
    await button(page, "Sign in with a passkey").click();
    await alert(page, "The passkey was not confirmed in time.");
    await page.unrouteAll({ behavior: "wait" });
  };
  // By the button, and by the suggestions that return after it.
  await untilAsked(page, attempt, 2);
  await phone.answers(true);
  await button(page, "Sign in with a passkey").click();
  await heading(page, "Your account");
});

test("a device without a passkey of the account does not sign in, and says so", async () => {
  await register("gina");
  await addPasskey((await signedIn("gina"))[0]);
  const entered = await enter();
  const [page] = await openWith(entered, "/sign-in");
  await button(page, "Sign in with a passkey").click();
  await alert(page, "No passkey was used");
  expect(entered.operations).not.toContain("tokenAuthWithPasskey");
});

test("the passkey of another account confirms nothing here", async () => {
  await register("hana");
  await register("ida");
  const [page, phone] = await signedIn("hana");
  await addPasskey(page);
  const [other, foreign] = await signedIn("ida");
  await addPasskey(other);
  await service.age("hana");
  // The device that is at hand belongs to somebody else.
  await phone.remove((await phone.ids())[0]!);
  await foreign.copyTo(phone);
  await page.getByLabel("New e-mail address").fill("hana@example.org");
  await button(page, "Change address").click();
  await button(page, "Confirm with a passkey").click();
  await alert(page, "No passkey was used");
  expect(await phone.ids()).toEqual(await foreign.ids());
});

test("two passkeys sign in, a device makes no second one, and one is removed", async () => {
  await register("june");
  const [page, phone] = await signedIn("june", "synced");
  await addPasskey(page);
  await rows(page).getByText("Synced to your devices").waitFor();
  await button(page, "Add a passkey").click();
  await alert(page, "has a passkey for your account already");
  await inspect(page, "account-passkey-twice");

  const [laptop, own] = await signedIn("june");
  await addPasskey(laptop, 2);
  await inspect(laptop, "account-two-passkeys");
  for (const [where, authenticator] of [
    [page, phone],
    [laptop, own],
  ] as const) {
    await signOutQuietly(where, authenticator);
    await button(where, "Sign in with a passkey").click();
    await heading(where, "Your account");
  }

  // Of the device's own passkey: its password manager hears that it is gone.
  await expect.poll(() => rows(laptop).count()).toBe(2);
  await rows(laptop).filter({ hasText: "On one device" }).getByRole("button", { name: /^Remove/ }).click();
  await said(laptop, /is removed/);
  await expect.poll(() => rows(laptop).count()).toBe(1);
  await expect.poll(() => own.ids()).toEqual([]);
  expect(await phone.ids()).toHaveLength(1);
});

test("a passkey that was removed here by another browser signs in no more, and is forgotten on its device", async () => {
  await register("kim");
  const [page, phone] = await signedIn("kim");
  await addPasskey(page);
  await signOutQuietly(page, phone);
  const [other] = await signedIn("kim");
  await button(other, /^Remove/).click();
  await said(other, /is removed/);

  expect(await phone.ids()).toHaveLength(1);
  await button(page, "Sign in with a passkey").click();
  await alert(page, "This passkey did not work here.");
  await expect.poll(() => phone.ids()).toEqual([]);
  await inspect(page, "sign-in-passkey-unknown");
});

test("a passkey that was removed on its device is still listed here, and can be removed", async () => {
  await register("lea");
  const [page, phone] = await signedIn("lea");
  await addPasskey(page);
  await phone.remove((await phone.ids())[0]!);
  await signOut(page);
  await button(page, "Sign in with a passkey").click();
  await alert(page, "No passkey was used");
  await signIn(page, "lea", PASSWORD);
  await expect.poll(() => rows(page).count()).toBe(1);
  await button(page, /^Remove/).click();
  await said(page, /is removed/);
  await part(page).getByText("No passkeys.").waitFor();
});

test("a passkey whose answer is wrong is rejected, and stays on its device", async () => {
  await register("mia");
  const [page, phone] = await signedIn("mia");
  await addPasskey(page);
  await signOutQuietly(page, phone);
  await phone.spoil();
  await button(page, "Sign in with a passkey").click();
  await alert(page, "This passkey did not work here.");
  expect(await phone.ids()).toHaveLength(1);
});

test("after a sign-in with a password, the browser makes a passkey by itself", async () => {
  await register("nora");
  const entered = await enter();
  // In headless Chromium no password manager agrees, and the question stays open for ever. Its part is played here.
  await entered.context.addInitScript(() => {
    const { credentials } = navigator;
    const create = credentials?.create.bind(credentials);
    if (!create) return; // a page without an origin
    credentials.create = (options) => {
      const { mediation, ...rest } = options as CredentialCreationOptions & { mediation?: string };
      return mediation === "conditional" ? create(rest) : Promise.reject(new Error("Nobody asked for this."));
    };
  });
  const [page, phone] = await openWith(entered, "/sign-in");
  await signIn(page, "nora", PASSWORD);
  await heading(page, "Your account");
  await said(page, /is added/);
  expect(await rows(page).count()).toBe(1);
  expect(await phone.ids()).toHaveLength(1);
  await signOut(page);
  await heading(page, "Your account");
  expect(entered.operations.filter((name) => name === "createPasskeyRegistration")).toHaveLength(1);
});

/** A service that wants a second factor of everybody. */
let strict: Service;
const strictly = async () => (strict ??= await startService({ EMAIL_VERIFICATION: "mandatory", MFA_REQUIRED_FOR: "all" }));
afterAll(() => strict?.stop());

/** A browser in which somebody who needs a second step has shown the password. */
async function atSecondStep(
  username: string,
  kind?: Parameters<typeof openWith>[2],
): Promise<[Page, Authenticator, Visit]> {
  // As if the address had been confirmed by mail.
  const account = `"${username}@example.com", "${PASSWORD}", username="${username}", email_verified=True`;
  const code = `from accounts.models import Account; Account.objects.create_user(${account})`;
  await (await strictly()).manage("shell", "-c", code);
  const entered = await enter(strict);
  const [page, authenticator] = await openWith(entered, "/sign-in", kind);
  await signIn(page, username, PASSWORD);
  return [page, authenticator, entered];
}

test("a security key is set up as the second step that the service wants, and is asked for from then on", async () => {
  const [page, , { operations }] = await atSecondStep("olga", "key");
  await heading(page, "Set up a second step");
  await inspect(page, "set-up-passkey");
  await button(page, "Use a passkey").click();
  await heading(page, "Save your recovery codes");
  expect(await page.locator(".codes li").count()).toBe(10);
  await inspect(page, "set-up-passkey-codes");
  await button(page, "I have saved them: sign in").click();
  await heading(page, "Your account");
  await rows(page).getByText("On one device · second step only").waitFor();
  await part(page, "Two-step sign-in").getByText("On. Signing in also asks for a passkey.").waitFor();

  // It does not know its user, so it is not enough alone.
  await signOut(page);
  await button(page, "Sign in with a passkey").click();
  await alert(page, "No passkey was used");
  await signIn(page, "olga", PASSWORD);
  await heading(page, "Second step");
  await inspect(page, "second-step-passkey");
  await button(page, "Use a passkey").click();
  await heading(page, "Your account");
  expect(operations.filter((name) => name === "answerMfaChallenge")).toHaveLength(1);
});

test("at the second step, a foreign key is refused, and a recovery code helps", async () => {
  const [page, key] = await atSecondStep("pia", "phone");
  await button(page, "Use a passkey").click();
  await heading(page, "Save your recovery codes");
  const codes = await page.locator(".codes li").allTextContents();
  await button(page, "I have saved them: sign in").click();
  await heading(page, "Your account");
  await key.answers(false);
  await untilAsked(page, () => signOut(page));
  await signIn(page, "pia", PASSWORD);
  await heading(page, "Second step");
  await key.remove((await key.ids())[0]!);
  await key.answers(true);
  await button(page, "Use a passkey").click();
  await alert(page, "No passkey was used");
  await inspect(page, "second-step-passkey-cancelled");
  await button(page, "Use a recovery code").click();
  await page.getByLabel("Recovery code").fill(codes[0]!);
  await page.keyboard.press("Enter");
  await heading(page, "Your account");
});

test("with a second step, a passkey that knows its user signs in alone", async () => {
  const [page, phone, { operations }] = await atSecondStep("rosa", "phone");
  await button(page, "Use a passkey").click();
  await button(page, "I have saved them: sign in").click();
  await heading(page, "Your account");
  await signOutQuietly(page, phone);
  await button(page, "Sign in with a passkey").click();
  await heading(page, "Your account");
  expect(operations).not.toContain("answerMfaChallenge");
});

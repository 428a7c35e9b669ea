// Chromium (argv[2]) signs in to the administration at argv[3]. argv[4] is JSON: the account's address and password, a
// passkey for the virtual authenticator, and a code for the browser without scripts. Prints what it saw.
import { chromium } from "playwright-core";

const [base, { email, password, passkey, code }] = [process.argv[3], JSON.parse(process.argv[4])];
const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"],
});
const seen = { refused: [] };

async function opened(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  // What the Content-Security-Policy stops is told there.
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) seen.refused.push(message.text());
  });
  await page.goto(`${base}/admin/`);
  await page.fill("#id_username", email);
  await page.fill("#id_password", password);
  await page.click("input[type=submit]");
  await page.waitForURL("**/admin/login/factor/");
  return { context, page };
}

const { context, page } = await opened();
const session = await context.newCDPSession(page);
await session.send("WebAuthn.enable");
const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
  options: {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  },
});
// It has no passkey of this account yet.
await page.click("#passkey input[type=button]");
seen.failure = await page.textContent("#passkey [role=alert]");
seen.focused = await page.evaluate(() => document.activeElement.type);
await session.send("WebAuthn.addCredential", { authenticatorId, credential: passkey });
await page.click("#passkey input[type=button]");
await page.waitForURL(`${base}/admin/`);
seen.byPasskey = await page.title();
await context.close();

const plain = await opened({ javaScriptEnabled: false });
seen.offersPasskey = await plain.page.isVisible("#passkey");
await plain.page.getByLabel("Code of your authenticator app").fill(code);
await plain.page.click("input[type=submit]");
await plain.page.waitForURL(`${base}/admin/`);
seen.byCode = await plain.page.title();
await browser.close();
console.log(JSON.stringify(seen));

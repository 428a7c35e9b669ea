/** Chromium's virtual authenticator: a security key or a phone's own, in a tab of its own. */
import type { CDPSession, Page } from "playwright-core";
import type { Visit } from "./browser";

interface Credential {
  credentialId: string;
  [property: string]: unknown;
}
export interface Authenticator {
  /** The ids of its passkeys, in base64url. */
  ids(): Promise<string[]>;
  /** Copies its passkeys into another one, as a password manager syncs them. */
  copyTo(other: Authenticator): Promise<void>;
  add(credential: Credential): Promise<unknown>;
  remove(id: string): Promise<unknown>;
  /** Whether its user passes the check, by a finger for example. */
  verifies(user: boolean): Promise<unknown>;
  /** Whether its user answers at all. */
  answers(present: boolean): Promise<unknown>;
  /** Spoils each signature from now on. */
  spoil(): Promise<unknown>;
}

/** What nobody can lose is inside the device; what syncs tells so. */
const KINDS = {
  phone: { transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
  synced: {
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    defaultBackupEligibility: true,
    defaultBackupState: true,
  },
  /** Without a fingerprint or a PIN: a second factor only. */
  key: { transport: "usb", hasResidentKey: false, hasUserVerification: false },
} as const;

declare global {
  interface Window {
    /** How often this page has asked for a passkey. */
    questions?: number;
  }
}

/** Does the work, and waits until the page has asked for a passkey so often. */
export async function untilAsked(page: Page, work: () => Promise<unknown>, times = 1): Promise<void> {
  const before = await page.evaluate(() => window.questions ?? 0);
  await work();
  await page.waitForFunction((count) => (window.questions ?? 0) >= count, before + times);
}

const base64url = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const base64 = (text: string) => Buffer.from(text, "base64url").toString("base64");

/** A new tab with an authenticator, at this path. */
export async function openWith(
  { context }: Visit,
  path: string,
  kind: keyof typeof KINDS = "phone",
): Promise<[Page, Authenticator]> {
  const page = await context.newPage();
  // Not on a page without an origin, such as the first one.
  await page.addInitScript(() => {
    const { credentials } = navigator;
    const get = credentials?.get.bind(credentials);
    if (get) credentials.get = (options) => ((window.questions = (window.questions ?? 0) + 1), get(options));
  });
  const chromium = await context.newCDPSession(page);
  await chromium.send("WebAuthn.enable");
  const authenticator = await add(chromium, kind);
  await page.goto(path);
  return [page, authenticator];
}

async function add(chromium: CDPSession, kind: keyof typeof KINDS): Promise<Authenticator> {
  const { authenticatorId } = await chromium.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", ctap2Version: "ctap2_1", automaticPresenceSimulation: true, ...KINDS[kind] },
  });
  const credentials = async () => (await chromium.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  const authenticator: Authenticator = {
    ids: async () => (await credentials()).map(({ credentialId }) => base64url(credentialId)),
    async copyTo(other) {
      for (const credential of await credentials()) await other.add({ ...credential });
    },
    add: (credential) =>
      chromium.send("WebAuthn.addCredential", { authenticatorId, credential: credential as never }),
    remove: (id) => chromium.send("WebAuthn.removeCredential", { authenticatorId, credentialId: base64(id) }),
    verifies: (isUserVerified) => chromium.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    answers: (enabled) => chromium.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled }),
    spoil: () =>
      chromium.send("WebAuthn.setResponseOverrideBits", { authenticatorId, isBogusSignature: true }),
  };
  return authenticator;
}

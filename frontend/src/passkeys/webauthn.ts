/** WebAuthn as this browser has it. Its failures become texts that a user can act on. */
import type { CeremonyFragment, PasskeyAssertionInput, PasskeysFragment } from "../__generated__/graphql";
import { Refused } from "../errors";

interface Pending {
  controller: AbortController;
  ended: Promise<unknown>;
}
let pending: Pending | null = null;

/** Ends what the browser is asking, if anything: silently, as if it had not asked. */
export const stop = () => pending?.controller.abort();

/** Browsers ask for one passkey at a time: the next question ends the one before. Null if it was ended. */
async function perform<T>(
  question: (signal: AbortSignal) => Promise<T>,
  words: Words,
  { options, expiresIn }: CeremonyFragment,
): Promise<T | null> {
  const former = pending;
  const controller = new AbortController();
  const { signal } = controller;
  const answered = (async () => {
    former?.controller.abort();
    await former?.ended;
    signal.throwIfAborted();
    return question(signal);
  })();
  const mine = { controller, ended: answered.catch(() => {}) };
  pending = mine;
  // Suggestions wait for ever, the service does not.
  const timer = setTimeout(() => controller.abort(), expiresIn * 1000);
  const until = performance.now() + ((options as { timeout?: number }).timeout ?? Infinity);
  try {
    return await answered;
  } catch (error) {
    if (signal.aborted) return null;
    throw new Refused(textOf(error, words, performance.now() >= until));
  } finally {
    clearTimeout(timer);
    if (pending === mine) pending = null;
  }
}

type Words = Partial<Record<string, string>> & { NotAllowedError: string };
const USING: Words = {
  NotAllowedError: "No passkey was used: it was cancelled, or this device has none that works here.",
};
const MAKING: Words = {
  NotAllowedError: "No passkey was made: it was cancelled, or this device cannot make one.",
  InvalidStateError: "This device or password manager has a passkey for your account already.",
  NotSupportedError: "This device cannot make a passkey that works here.",
  ConstraintError: "This device cannot make a passkey without a screen lock. Set one up, then try again.",
};
const TOO_LATE = "The passkey was not confirmed in time. Try again.";

/** Browsers call it NotAllowedError too if nobody answers, so as not to tell which passkeys there are. */
function textOf(error: unknown, words: Words, isLate: boolean): string {
  const name = error instanceof Error ? error.name : "";
  if (isLate && name === "NotAllowedError") return TOO_LATE;
  if (name === "SecurityError") return "Passkeys do not work at this address.";
  return words[name] ?? "This browser could not use a passkey. Try again, or choose another way.";
}

const requested = ({ options }: CeremonyFragment) => options as PublicKeyCredentialRequestOptionsJSON;
type Mediation = "optional" | "conditional";

/** Lets the user choose a passkey and confirm it. Null if `stop`, the next question or the end of the ceremony ended it.
 *  Conditional: among the suggestions of the field for the e-mail address. */
export async function answer(
  ceremony: CeremonyFragment,
  mediation: Mediation = "optional",
): Promise<PasskeyAssertionInput | null> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(requested(ceremony));
  const get = (signal: AbortSignal) => navigator.credentials.get({ publicKey, mediation, signal });
  return jsonOf(ceremony, await perform(get, USING, ceremony));
}

/** Makes a passkey. Conditional: without asking, if the user's password manager agrees. Null as above. */
export async function make(
  ceremony: CeremonyFragment,
  mediation: Mediation = "optional",
): Promise<PasskeyAssertionInput | null> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    ceremony.options as PublicKeyCredentialCreationOptionsJSON,
  );
  // Level 3 has `mediation` here too.
  const create = (signal: AbortSignal) =>
    navigator.credentials.create({ publicKey, mediation, signal } as CredentialCreationOptions);
  return jsonOf(ceremony, await perform(create, MAKING, ceremony));
}

const jsonOf = ({ token }: CeremonyFragment, credential: Credential | null) =>
  credential && { challengeToken: token, response: (credential as PublicKeyCredential).toJSON() };

/** Tells password managers that the service does not know this passkey, so that they stop offering it. */
export function forget(ceremony: CeremonyFragment, { response }: PasskeyAssertionInput): void {
  const { rpId = window.location.hostname } = requested(ceremony);
  signal("signalUnknownCredential", { rpId, credentialId: (response as AuthenticationResponseJSON).id });
}

/** Tells password managers which passkeys the service knows, so that they stop offering the others. */
export function tellAccepted({ passkeyUser: { rpId, userHandle }, passkeys }: PasskeysFragment): void {
  signal("signalAllAcceptedCredentials", {
    rpId,
    userId: userHandle,
    allAcceptedCredentialIds: passkeys.map(({ credentialId }) => credentialId),
  });
}

/** Not all browsers have these, and nobody waits for them. */
function signal<T extends "signalUnknownCredential" | "signalAllAcceptedCredentials">(
  name: T,
  options: Parameters<(typeof PublicKeyCredential)[T]>[0],
): void {
  const send = globalThis.PublicKeyCredential?.[name] as ((given: typeof options) => Promise<void>) | undefined;
  send?.call(PublicKeyCredential, options).catch(() => {});
}

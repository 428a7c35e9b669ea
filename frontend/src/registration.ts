/** The registration that this browser began and that waits for the confirmation of its address.
 *
 *  A mailed link opens in a tab of its own. The tab that registered proves to it that the registration is the user's
 *  own: then nobody has to choose a new password. */
import { useEffect } from "react";
import type { EmailVerificationChallenge } from "./challenges";
import { discard, keep, recall } from "./kept";

const KEY = "registration";
const CHANNEL = "registration";
const PEERS_ANSWER_WITHIN = 200; // ms
type Message = "ask" | "confirmed" | EmailVerificationChallenge;

export const keepRegistration = (challenge: EmailVerificationChallenge) =>
  keep(KEY, challenge, challenge.expiresIn);
export const keptRegistration = () => recall<EmailVerificationChallenge>(KEY);
export const discardRegistration = () => discard(KEY);

/** Tells other tabs of the registration, and learns from them that it is confirmed. */
export function useRegistration(challenge: EmailVerificationChallenge | null, onConfirmed: () => void) {
  useEffect(() => {
    if (!challenge) return;
    const channel = new BroadcastChannel(CHANNEL);
    channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if (data === "ask") channel.postMessage(challenge);
      if (data === "confirmed") onConfirmed();
    });
    return () => channel.close();
  }, [challenge, onConfirmed]);
}

/** The registration of this tab, else of another one, else null. */
export function findRegistration(): Promise<EmailVerificationChallenge | null> {
  const own = keptRegistration();
  if (own) return Promise.resolve(own);
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(CHANNEL);
    const finish = (found: EmailVerificationChallenge | null) => (channel.close(), resolve(found));
    channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if (typeof data === "object") finish(data);
    });
    channel.postMessage("ask" satisfies Message);
    setTimeout(() => finish(null), PEERS_ANSWER_WITHIN);
  });
}

/** The address is confirmed: no tab has to wait for it any more. */
export function announceConfirmation(): void {
  discardRegistration();
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage("confirmed" satisfies Message);
  channel.close();
}

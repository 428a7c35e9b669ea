/** A redirect to a provider and back. The tab that began it stores its state, so that an injected code finds none. */
import { BASE } from "./base";
import type { LinkChallenge } from "./challenges";

export const CALLBACK = "/callback";
const KEY = "redirect";

interface Redirect {
  provider: string;
  label: string;
  flow: string;
  /** The link to make after the sign-in. */
  link: LinkChallenge | null;
}

/** The redirect URI that has to be registered for the client. */
export const redirectUri = () => window.location.origin + BASE + CALLBACK;

export function keep(redirect: Redirect): void {
  sessionStorage.setItem(KEY, JSON.stringify(redirect));
}

/** Returns and removes the stored state: it is for one return only. */
export function take(): Redirect | null {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return kept && JSON.parse(kept);
}

/** A redirect to a provider and back. What belongs to it waits in the tab that began it: a code that somebody else slips
 *  in finds nothing there. */
import type { LinkChallenge } from "./challenges";

export const CALLBACK = "/callback";
const KEY = "redirect";

interface Redirect {
  provider: string;
  label: string;
  flow: string;
  /** What the sign-in is for, where it is to be linked to. */
  link: LinkChallenge | null;
}

/** As it has to be registered for the client. */
export const redirectUri = () => window.location.origin + CALLBACK;

export function keep(redirect: Redirect): void {
  sessionStorage.setItem(KEY, JSON.stringify(redirect));
}

/** Of one return only. */
export function take(): Redirect | null {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return kept && JSON.parse(kept);
}

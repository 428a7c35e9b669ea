/** The parts of pages that passkeys need. Each loads when it shows. */
import { lazily, PartUnavailable } from "../lazily";

export const PasskeyButton = lazily(() => import("./button"), PartUnavailable);
export const AddPasskeyButton = lazily(() => import("./add-button"), PartUnavailable);
export const Passkeys = lazily(() => import("./section"), PartUnavailable);
/** Without it, the other ways to sign in remain. */
export const PasskeySignIn = lazily(() => import("./sign-in"), () => null);

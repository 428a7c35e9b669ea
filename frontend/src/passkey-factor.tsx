import type { PasskeyAssertionInput } from "./__generated__/graphql";
import type { Failure } from "./errors";

export type FactorPurpose = "SECOND_FACTOR" | "REAUTHENTICATION";

/** The slot for a button that asks for a passkey. Shows nothing as long as passkeys are not built. */
export function PasskeyFactor(_: {
  purpose: FactorPurpose;
  /** The token of the MfaChallenge, with the purpose SECOND_FACTOR. */
  challengeToken?: string;
  /** Sends the passkey's answer. Resolves to the failures; see `Work`. */
  answer: (passkey: PasskeyAssertionInput) => Promise<Failure[] | null>;
}) {
  return null;
}

/** The slot for a button that makes a passkey as the account's second factor. Shows nothing as long as passkeys are not built. */
export function PasskeySetUp(_: {
  /** The token of the MfaEnrollmentChallenge. */
  challengeToken: string;
  /** Gets the recovery codes that come with the first factor. */
  onDone: (recoveryCodes: string[]) => void;
}) {
  return null;
}

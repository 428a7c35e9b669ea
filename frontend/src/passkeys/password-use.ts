/** Whether the user has just signed in here with a password: only then do browsers make a passkey without asking. */
let isFresh = false;

export const notePassword = () => void (isFresh = true);

/** True once after each such sign-in. */
export function takePassword(): boolean {
  const was = isFresh;
  isFresh = false;
  return was;
}

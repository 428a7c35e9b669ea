import type { CreatePasskeyRegistrationInput } from "../__generated__/graphql";
import { Messages, useOutcome } from "../outcome";
import { NoPasskeys } from "./button";
import { useAddition, type Added, type Sending } from "./ceremonies";
import { isSupported } from "./supported";

interface AddPasskeyButtonProps {
  children: string;
  input?: CreatePasskeyRegistrationInput;
  /** How requests are sent. */
  sending?: Sending;
  onAdded: (added: Added) => void;
  secondary?: boolean;
}

/** A button that makes a passkey and adds it to the account. */
export default function AddPasskeyButton({ children, input, sending, onAdded, secondary = false }: AddPasskeyButtonProps) {
  const { busy, blocked, run, messages } = useOutcome();
  const addition = useAddition(sending);

  async function add() {
    const added = await addition(input);
    if (added?.errors.length === 0) onAdded(added);
    return added && added.errors;
  }

  if (!isSupported()) return <NoPasskeys />;
  return (
    <>
      <Messages {...messages} />
      <button
        type="button"
        className={secondary ? "secondary" : undefined}
        aria-disabled={blocked}
        onClick={() => void run(add)}
      >
        {busy ? "One moment …" : children}
      </button>
    </>
  );
}

import type { CreatePasskeyAssertionInput } from "../__generated__/graphql";
import { Messages, useOutcome } from "../outcome";
import { useAnswer, type SendAnswer } from "./ceremonies";
import { isSupported } from "./supported";

interface PasskeyButtonProps {
  children: string;
  /** What the passkey is asked for. */
  input: CreatePasskeyAssertionInput;
  send: SendAnswer;
  secondary?: boolean;
}

/** A button that asks for a passkey. */
export default function PasskeyButton({ children, input, send, secondary = false }: PasskeyButtonProps) {
  const { busy, blocked, run, messages } = useOutcome();
  const answer = useAnswer();
  if (!isSupported()) return <NoPasskeys />;
  return (
    <>
      <Messages {...messages} />
      <button
        type="button"
        className={secondary ? "secondary" : undefined}
        aria-disabled={blocked}
        onClick={() => void run(() => answer(input, send))}
      >
        {busy ? "One moment …" : children}
      </button>
    </>
  );
}

export const NoPasskeys = () => <p className="hint">This browser cannot use passkeys here.</p>;

import { Refused } from "./errors";
import { Messages, useOutcome } from "./outcome";

/** A button that copies the text. Not shown where the browser does not let pages copy. */
export function Copy({ text, children }: { text: string; children: string }) {
  const { run, messages } = useOutcome();
  if (!navigator.clipboard) return null;

  const copy = () =>
    run(async () => {
      await navigator.clipboard.writeText(text).catch(() => {
        throw new Refused("The browser did not allow it. Select the text and copy it.");
      });
      return [];
    }, "Copied.");

  return (
    <>
      <button type="button" className="secondary" onClick={() => void copy()}>
        {children}
      </button>
      <Messages {...messages} />
    </>
  );
}

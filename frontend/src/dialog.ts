import { useEffect, useRef } from "react";

/** A modal dialog that is open while it is in the page. The browser moves the focus into it, and back at its end. */
export function useDialog(onEnd: (confirmed: boolean) => void) {
  const dialog = useRef<HTMLDialogElement>(null);
  const end = useRef(onEnd);
  end.current = onEnd;
  const confirmed = useRef(false);

  useEffect(() => {
    const element = dialog.current!;
    // Open: React has run this effect twice, and the event is of the first run.
    const finish = () => !element.open && end.current(confirmed.current);
    element.addEventListener("close", finish);
    element.showModal();
    return () => {
      element.removeEventListener("close", finish);
      element.close();
    };
  }, []);

  return {
    dialog,
    close(isConfirmed: boolean) {
      confirmed.current = isConfirmed;
      dialog.current?.close();
    },
  };
}

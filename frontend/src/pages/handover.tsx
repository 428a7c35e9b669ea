import { useEffect, useRef, useState } from "react";
import { handOver } from "../handover";
import { Link, navigate } from "../navigation";
import { Page } from "../page";
import { CALLBACK, take } from "../redirect";

/** The page to which a provider redirects the window of a user who is signed in. */
export function Handover() {
  const [isWaiting, setWaiting] = useState(true);
  const begun = useRef(false);

  useEffect(() => {
    // React may run effects twice.
    if (begun.current) return;
    begun.current = true;
    const answer = new URLSearchParams(window.location.search);
    const state = answer.get("state");
    // This tab wanted to sign in, which has happened in another tab meanwhile.
    if (take() || !state) return navigate("/", { replace: true });
    navigate(CALLBACK, { replace: true }); // keeps the code out of the history
    void handOver({ state, code: answer.get("code") }).then((taken) => {
      setWaiting(false);
      if (taken) window.close();
    });
  }, []);

  return (
    <Page title="Back to Latchkey" narrow>
      {isWaiting ? (
        <p role="status" className="hint">
          One moment …
        </p>
      ) : (
        <>
          <p>You can close this window, and go on in the one that opened it.</p>
          <p className="aside">
            <Link href="/">Go to your account</Link>
          </p>
        </>
      )}
    </Page>
  );
}

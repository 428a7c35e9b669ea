/** Signing in with a passkey: by a button, or by choosing it among the suggestions of the field for the address. */
import { useMutation } from "@apollo/client/react";
import { useEffect, useRef } from "react";
import { SignInWithPasskeyDocument } from "../__generated__/graphql";
import { useSettle, type LinkChallenge } from "../challenges";
import { Messages, useOutcome } from "../outcome";
import { useAnswer, type SendAnswer } from "./ceremonies";
import { stop } from "./webauthn";

export default function PasskeySignIn({ link = null }: { link?: LinkChallenge | null }) {
  const settle = useSettle();
  const [signIn] = useMutation(SignInWithPasskeyDocument, { fetchPolicy: "no-cache" });
  const answer = useAnswer();
  const { busy, blocked, run, messages } = useOutcome();

  const send: SendAnswer = async (passkey) => {
    const input = { passkey, refreshTokenTransport: "COOKIE" as const };
    const outcome = (await signIn({ variables: { input } })).data!.tokenAuthWithPasskey;
    return (await settle(outcome, link)) ? null : outcome.errors;
  };

  async function sendChosen(passkey: Parameters<SendAnswer>[0]) {
    let errors: Awaited<ReturnType<SendAnswer>> = null;
    await run(async () => (errors = await send(passkey)));
    return errors;
  }
  useSuggestions((signal) => answer({ purpose: "SIGN_IN" }, sendChosen, signal), !blocked);

  return (
    <div className="providers">
      {(!link || link.signInMethods.includes("PASSWORD")) && <p className="divider">or</p>}
      <Messages {...messages} />
      <button
        type="button"
        className="secondary"
        aria-disabled={blocked}
        onClick={() => void run(() => answer({ purpose: "SIGN_IN" }, send))}
      >
        {busy ? "One moment …" : link ? "Sign in with a passkey and link" : "Sign in with a passkey"}
      </button>
    </div>
  );
}

/** While this is on, passkeys are among the suggestions of the page's field: by a fresh ceremony whenever one ends. */
function useSuggestions(offer: (signal: AbortSignal) => Promise<unknown>, isOn: boolean) {
  const latest = useRef(offer);
  latest.current = offer;

  useEffect(() => {
    if (!isOn) return;
    const end = new AbortController();
    const { signal } = end;
    // The user signs in otherwise.
    document.addEventListener("submit", stop, { capture: true, signal });

    async function keepOffering() {
      if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
      while (!signal.aborted) {
        await latest.current(signal).catch(() => {}); // the button tells what is wrong
        await attention(signal); // not for ever in a tab that nobody looks at
      }
    }
    void keepOffering();
    return () => {
      end.abort();
      stop();
    };
  }, [isOn]);
}

/** Resolves when somebody uses the page; never if the signal ends the wait. */
const attention = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    for (const event of ["pointermove", "keydown", "focusin"])
      document.addEventListener(event, () => resolve(), { once: true, signal });
  });

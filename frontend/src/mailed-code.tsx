/** Codes that are mailed, then typed into the page that asked for them. */
import { useState, type ReactNode } from "react";
import type { Failure } from "./errors";
import { Field, Form } from "./form";
import { discard, keep, recall } from "./kept";
import { Messages, useOutcome } from "./outcome";
import { Page } from "./page";
import { useWait } from "./wait";

const PAUSE = 30; // s

/** A button that sends a mail again, at most every 30 seconds. */
export function Resend({ send, children }: { send: () => Promise<Failure[] | null>; children: string }) {
  const { busy, blocked, run, messages } = useOutcome();
  const { waiting, wait } = useWait();
  const isPaused = waiting.seconds > 0;

  async function press() {
    if (!isPaused && (await run(send, "Sent. The newest mail counts."))) wait(PAUSE);
  }

  return (
    <>
      <Messages {...messages} />
      <button
        type="button"
        className="secondary"
        aria-disabled={blocked || isPaused}
        onClick={() => void press()}
      >
        {busy ? "One moment …" : children}
        {isPaused && <span aria-hidden="true"> ({waiting.seconds} s)</span>}
      </button>
    </>
  );
}

/** A code on its way. It works only with the token that came with asking for it. */
export interface Mailed {
  email: string;
  token: string;
}
interface Requested {
  mailedCode: { token: string; expiresIn: number } | null;
  errors: Failure[];
}

/** Asks for a code, and remembers under the key that it is on its way. */
export function useMailedCode(key: string, request: (email: string) => Promise<Requested>) {
  const [mailed, setMailed] = useState(() => recall<Mailed>(key));

  async function ask(email: string): Promise<Failure[]> {
    const { mailedCode, errors } = await request(email);
    if (!mailedCode) return errors;
    const next = { email, token: mailedCode.token };
    keep(key, next, mailedCode.expiresIn);
    setMailed(next);
    return [];
  }

  function forget() {
    discard(key);
    setMailed(null);
  }
  return { mailed, ask, forget };
}

/** Asks for the address, then for the code that went there. */
export function MailedCodePage({
  title,
  explanation,
  code: { mailed, ask, forget },
  children,
  aside,
}: {
  title: string;
  explanation: string;
  code: ReturnType<typeof useMailedCode>;
  /** The form for the code. */
  children: (mailed: Mailed) => ReactNode;
  aside: ReactNode;
}) {
  if (!mailed)
    return (
      <Page title={title} narrow>
        <p>{explanation}</p>
        <Form label="Send the mail" fields={["email"]} submit={({ email = "" }) => ask(email)}>
          <Field name="email" label="E-mail" type="email" autoComplete="username" required />
        </Form>
        {aside}
      </Page>
    );
  return (
    <Page title="Check your mail" narrow>
      <p>
        We have sent a mail to{" "}
        <strong>
          <bdi>{mailed.email}</bdi>
        </strong>
        , if it can be used here. Open its link, or type its code.
      </p>
      {children(mailed)}
      <Resend send={() => ask(mailed.email)}>Send a new mail</Resend>
      <button type="button" className="quiet" onClick={forget}>
        Use another address
      </button>
      {aside}
    </Page>
  );
}

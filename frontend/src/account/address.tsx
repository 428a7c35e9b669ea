import { useMutation } from "@apollo/client/react";
import { useRef, useState } from "react";
import {
  CancelEmailChangeDocument,
  ConfirmEmailChangeDocument,
  RequestEmailChangeDocument,
  ResendVerificationDocument,
  VerifyEmailDocument,
  type AddressFragment,
} from "../__generated__/graphql";
import { useChange } from "../change";
import { wrongCodeAtField } from "../errors";
import { CodeField, Field, Form } from "../form";
import { Resend } from "../mailed-code";
import { Messages, useOutcome } from "../outcome";
import { Section } from "./section";

/** Asks to confirm the address. It stays to announce the success. */
export function Confirmation({ account: { email, emailVerified } }: { account: AddressFragment }) {
  const change = useChange();
  const [verify] = useMutation(VerifyEmailDocument);
  const [resend] = useMutation(ResendVerificationDocument);
  const [isDone, setDone] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  if (emailVerified && !isDone) return null;
  return (
    <Section title={emailVerified ? "Your address is confirmed" : "Confirm your address"} heading={heading}>
      <div role="status">{isDone && <p className="notice">Your address is confirmed.</p>}</div>
      {!emailVerified && (
        <>
          <p>
            We have sent a mail to{" "}
            <strong>
              <bdi>{email}</bdi>
            </strong>
            . Open its link in this browser, or type its code here.
          </p>
          <Form
            label="Confirm address"
            fields={["code"]}
            submit={async ({ code = "" }) => {
              const payload = await change(
                async () => (await verify({ variables: { input: { code } } })).data!.verifyEmail,
              );
              if (payload?.errors.length === 0) {
                setDone(true);
                heading.current?.focus();
              }
              return payload && payload.errors.map(wrongCodeAtField);
            }}
          >
            <CodeField />
          </Form>
          <div className="choices">
            <Resend
              send={async () =>
                (await resend({ variables: { input: { email } } })).data!.resendVerification.errors
              }
            >
              Send a new mail
            </Resend>
          </div>
        </>
      )}
    </Section>
  );
}

/** Changes the address, once the new one is confirmed. */
export function Address({ account: { email, pendingEmail } }: { account: AddressFragment }) {
  const change = useChange();
  const [request] = useMutation(RequestEmailChangeDocument);
  const [confirm] = useMutation(ConfirmEmailChangeDocument);
  const [cancel] = useMutation(CancelEmailChangeDocument);
  const [news, setNews] = useState("");
  const { blocked, run, messages } = useOutcome();
  const heading = useRef<HTMLHeadingElement>(null);

  async function ask(newEmail: string) {
    const payload = await change(
      async () => (await request({ variables: { input: { newEmail } } })).data!.requestEmailChange,
    );
    return payload && payload.errors;
  }

  /** The form disappears, so move the focus. */
  function tell(text: string) {
    setNews(text);
    heading.current?.focus();
  }

  async function withdraw() {
    const done = await run(async () => {
      const payload = await change(async () => (await cancel()).data!.cancelEmailChange);
      return payload && payload.errors;
    });
    if (done) tell("Your address stays as it is.");
  }

  return (
    <Section title="E-mail address" heading={heading}>
      <div role="status">{news && <p className="notice">{news}</p>}</div>
      {pendingEmail ? (
        <>
          <p>
            We have sent a mail to{" "}
            <strong>
              <bdi>{pendingEmail}</bdi>
            </strong>
            . Open its link, or type its code here. Until then, your address stays <bdi>{email}</bdi>.
          </p>
          <Form
            label="Confirm new address"
            fields={["code"]}
            submit={async ({ code = "" }) => {
              const payload = await change(
                async () => (await confirm({ variables: { input: { code } } })).data!.confirmEmailChange,
              );
              if (payload?.errors.length === 0) tell(`Your address is now ${pendingEmail}.`);
              return payload && payload.errors.map(wrongCodeAtField);
            }}
          >
            <CodeField />
          </Form>
          <Messages {...messages} />
          <div className="choices">
            <Resend send={() => ask(pendingEmail)}>Send a new mail</Resend>
            <button
              type="button"
              className="secondary"
              aria-disabled={blocked}
              onClick={() => void withdraw()}
            >
              Cancel the change
            </button>
          </div>
        </>
      ) : (
        <>
          <p>We mail a link and a code to the new address. Your address changes once you confirm it.</p>
          <Form
            label="Change address"
            fields={["newEmail"]}
            submit={async ({ newEmail = "" }) => {
              const errors = await ask(newEmail);
              if (errors?.length === 0) tell("");
              return errors;
            }}
          >
            <Field name="newEmail" label="New e-mail address" type="email" autoComplete="email" required />
          </Form>
        </>
      )}
    </Section>
  );
}

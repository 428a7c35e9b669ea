/** Setting up an authenticator app: on the account page, or as a step of a sign-in. */
import { useMutation } from "@apollo/client/react";
import { useEffect, useRef, type ReactNode } from "react";
import { ConfirmTotpEnrollmentDocument } from "./__generated__/graphql";
import { useChange } from "./change";
import { Copy } from "./copy";
import type { Enrollment } from "./enrollment";
import { wrongFactorAtField } from "./errors";
import { Field, Form } from "./form";
import { lazily } from "./lazily";

const QrCode = lazily(
  () => import("./qr-code"),
  () => <p className="hint">The QR code cannot be drawn now. Type the key instead.</p>,
);

/** Shows the key, and asks for a code that proves that the app has it. */
export default function AppSetUp({
  enrollment: { token, secret, uri },
  onDone,
  children,
}: {
  enrollment: Enrollment;
  /** Gets the recovery codes. There are none if the account has some already. */
  onDone: (recoveryCodes: string[]) => Promise<unknown> | void;
  /** The button that cancels. */
  children: ReactNode;
}) {
  const change = useChange();
  const [confirm] = useMutation(ConfirmTotpEnrollmentDocument, { fetchPolicy: "no-cache" });
  const first = useRef<HTMLParagraphElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <>
      <p ref={first} tabIndex={-1}>
        Scan this QR code with your authenticator app. If you do not have one yet, install one from your phone’s store
        first.
      </p>
      <QrCode text={uri} />
      <p>
        Is the app on this device? Then <a href={uri}>open it here</a>, or type this key into it:
      </p>
      <p className="key">
        <code>{secret.match(/.{1,4}/g)!.join(" ")}</code>
      </p>
      <div className="choices">
        <Copy text={secret}>Copy the key</Copy>
      </div>
      <Form
        label="Confirm"
        fields={["code"]}
        submit={async ({ code = "" }) => {
          const variables = { input: { challengeToken: token, code } };
          const payload = await change(async () => (await confirm({ variables })).data!.confirmTotpEnrollment);
          if (payload?.errors.length === 0) await onDone(payload.recoveryCodes);
          return payload && payload.errors.map(wrongFactorAtField);
        }}
      >
        <AppCodeField />
      </Form>
      {children}
    </>
  );
}

/** The code that the app shows. */
export function AppCodeField({ autoFocus = false }: { autoFocus?: boolean }) {
  return (
    <Field
      name="code"
      label="Code of the app"
      hint="Your authenticator app shows a new one every 30 seconds. Each works once."
      autoComplete="one-time-code"
      inputMode="numeric"
      spellCheck={false}
      autoFocus={autoFocus}
      required
    />
  );
}

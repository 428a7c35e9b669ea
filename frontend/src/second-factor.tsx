import { useState, type ReactNode } from "react";
import type { MfaFactorInput, MfaMethod, PasskeyPurpose } from "./__generated__/graphql";
import { AppCodeField } from "./authenticator-app";
import { wrongFactorAtField, type Failure } from "./errors";
import { Field, Form } from "./form";
import { PasskeyButton } from "./passkeys/parts";

interface SecondFactorProps {
  methods: MfaMethod[];
  label: string;
  /** What the answer of a passkey is for. */
  purpose: PasskeyPurpose;
  /** The token of the MfaChallenge, with the purpose SECOND_FACTOR. */
  challengeToken?: string;
  /** Sends the factor. Resolves to the failures; see `Work`. */
  answer: (factor: MfaFactorInput) => Promise<Failure[] | null>;
  /** Whether the field has the focus from the start: where no heading gets it. */
  focus?: boolean;
  /** More fields. */
  children?: ReactNode;
}

/** Asks for one of the account's factors: a code of the app, a passkey or a recovery code. */
export default function SecondFactor({
  methods,
  label,
  purpose,
  challengeToken,
  answer,
  focus = false,
  children,
}: SecondFactorProps) {
  const hasApp = methods.includes("TOTP");
  const hasPasskey = methods.includes("PASSKEY");
  const [isRecovering, setRecovering] = useState(!hasApp && !hasPasskey);
  const [hasSwitched, setSwitched] = useState(focus);

  const send = async (factor: MfaFactorInput) => (await answer(factor))?.map(wrongFactorAtField) ?? null;
  function switchTo(recovering: boolean) {
    setRecovering(recovering);
    setSwitched(true);
  }

  return (
    <>
      {isRecovering ? (
        <Form key="recovery" label={label} fields={["code"]} submit={({ code = "" }) => send({ recoveryCode: code })}>
          <Field
            name="code"
            label="Recovery code"
            hint="You have saved these when you set up the second step. Each works once."
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            autoFocus={hasSwitched}
            required
          />
          {children}
        </Form>
      ) : hasApp ? (
        <Form key="app" label={label} fields={["code"]} submit={({ code = "" }) => send({ totpCode: code })}>
          <AppCodeField autoFocus={hasSwitched} />
          {children}
        </Form>
      ) : (
        children
      )}
      <div className="providers">
        {(isRecovering || hasApp) && methods.length > 1 && <p className="divider">or</p>}
        {hasPasskey && (
          <PasskeyButton
            input={{ purpose, ...(challengeToken && { challengeToken }) }}
            send={(passkey) => answer({ passkey })}
            secondary={isRecovering || hasApp}
          >
            Use a passkey
          </PasskeyButton>
        )}
        {isRecovering && hasApp && (
          <button type="button" className="secondary" onClick={() => switchTo(false)}>
            Use a code of the app
          </button>
        )}
        {!isRecovering && methods.includes("RECOVERY_CODE") && (
          <button type="button" className="secondary" onClick={() => switchTo(true)}>
            Use a recovery code
          </button>
        )}
      </div>
    </>
  );
}

import { useMutation } from "@apollo/client/react";
import { useId, useRef, useState } from "react";
import { DisableTotpDocument, RegenerateRecoveryCodesDocument, type TwoStepFragment } from "../__generated__/graphql";
import { useChange } from "../change";
import { useDialog } from "../dialog";
import { useEnrollment } from "../enrollment";
import { Form } from "../form";
import { lazily, PartUnavailable } from "../lazily";
import { Messages, useOutcome } from "../outcome";
import { RecoveryCodes } from "../recovery-codes";
import { Section } from "./section";

const AppSetUp = lazily(() => import("../authenticator-app"), PartUnavailable);
/** With so few recovery codes it is time for new ones. */
const FEW = 2;

/** The second step of a sign-in: the authenticator app and the recovery codes. */
export function TwoStep({ account: { mfa, emailVerified } }: { account: TwoStepFragment }) {
  const change = useChange();
  const [regenerate] = useMutation(RegenerateRecoveryCodesDocument, { fetchPolicy: "no-cache" });
  const { enrollment, begin, drop } = useEnrollment();
  const { blocked, run, messages } = useOutcome();
  const [codes, setCodes] = useState<string[]>([]);
  const [isEnding, setEnding] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const hasApp = mfa.methods.includes("TOTP");
  const left = mfa.recoveryCodesRemaining;

  /** Announces the text. The button that had the focus is gone, so move the focus. */
  function finish(text = "") {
    void run(() => Promise.resolve([]), text);
    heading.current?.focus();
  }
  function setUp(recoveryCodes: string[]) {
    drop();
    setCodes(recoveryCodes);
    finish("Your authenticator app is set up.");
  }
  const renew = () =>
    run(async () => {
      const payload = await change(async () => (await regenerate()).data!.regenerateRecoveryCodes);
      if (payload?.errors.length === 0) setCodes(payload.recoveryCodes);
      return payload && payload.errors;
    }, "These are your new recovery codes. The old ones do not work any more.");

  return (
    <Section title="Two-step sign-in" heading={heading}>
      <Messages {...messages} />
      {codes.length > 0 ? (
        <>
          <RecoveryCodes codes={codes} />
          <div className="choices">
            <button type="button" onClick={() => (setCodes([]), finish())}>
              I have saved them
            </button>
          </div>
        </>
      ) : enrollment ? (
        <AppSetUp enrollment={enrollment} onDone={setUp}>
          <div className="choices">
            <button type="button" className="secondary" onClick={() => (drop(), finish())}>
              Cancel
            </button>
          </div>
        </AppSetUp>
      ) : (
        <>
          <p>
            {!mfa.enabled
              ? "Off. With it, a stolen password is not enough to sign in: you also need an app on your phone."
              : hasApp
                ? `On. Signing in also asks for a code of your authenticator app${mfa.methods.includes("PASSKEY") ? ", or a passkey" : ""}.`
                : "On. Signing in also asks for a passkey."}
          </p>
          {mfa.enabled && (
            <p className={left > FEW ? "hint" : "problem"}>
              {left === 1 ? "1 recovery code is left." : `${left || "No"} recovery codes are left.`}
              {left <= FEW && " Make new ones, so that you can still sign in without your phone."}
            </p>
          )}
          {!hasApp && !emailVerified && <p className="hint">Confirm your e-mail address first.</p>}
          <div className="choices">
            {!hasApp && emailVerified && (
              <button type="button" className="secondary" aria-disabled={blocked} onClick={() => void run(begin)}>
                Set up an authenticator app
              </button>
            )}
            {mfa.enabled && (
              <button type="button" className="secondary" aria-disabled={blocked} onClick={() => void renew()}>
                Make new recovery codes
              </button>
            )}
            {hasApp && (
              <button type="button" className="secondary danger" onClick={() => setEnding(true)}>
                Remove the app …
              </button>
            )}
          </div>
        </>
      )}
      {isEnding && (
        <RemoveDialog
          onEnd={(removed) => {
            setEnding(false);
            if (removed) finish("Your authenticator app is removed.");
          }}
        />
      )}
    </Section>
  );
}

function RemoveDialog({ onEnd }: { onEnd: (removed: boolean) => void }) {
  const change = useChange();
  const [disable] = useMutation(DisableTotpDocument);
  const { dialog, close } = useDialog(onEnd);
  const title = useId();
  return (
    <dialog ref={dialog} aria-labelledby={title}>
      <h2 id={title}>Sign in without the app?</h2>
      <p>
        Signing in will not ask for its codes any more. Where this service requires a second step, you will have to set up
        another one.
      </p>
      <Form
        label="Remove the app"
        fields={[]}
        danger
        submit={async () => {
          const payload = await change(async () => (await disable()).data!.disableTotp);
          if (payload?.errors.length === 0) close(true);
          return payload && payload.errors;
        }}
      />
      <button type="button" className="quiet" onClick={() => close(false)}>
        Keep it
      </button>
    </dialog>
  );
}

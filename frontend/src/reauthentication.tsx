/** Confirms who the user is before a sensitive change, then repeats the change. */
import { useMutation } from "@apollo/client/react";
import { useCallback, useId, useState, type ReactNode } from "react";
import {
  ReauthenticateDocument,
  RequestReauthenticationCodeDocument,
  type ProofFragment,
  type ReauthenticationCredentialInput,
} from "./__generated__/graphql";
import { ChangeContext, type Change, type Payload } from "./change";
import { useCredential } from "./credential";
import { useDialog } from "./dialog";
import { wrongCodeAtField, wrongPasswordAt, type Failure } from "./errors";
import { CodeField, ForAccount, Form, PasswordField } from "./form";
import { lazily, PartUnavailable } from "./lazily";
import { Resend } from "./mailed-code";
import { Alert, Messages, useOutcome } from "./outcome";
import { PasskeyButton } from "./passkeys/parts";
import { isSupported } from "./passkeys/supported";
import { canRedirect, type Provider } from "./providers";

const SecondFactor = lazily(() => import("./second-factor"), PartUnavailable);

const has = ({ errors }: Payload, wanted: string) => errors.some(({ code }) => code === wanted);

export function Reauthentication({
  account,
  providers,
  refresh,
  children,
}: {
  account: ProofFragment;
  providers: Provider[];
  /** Reads the account again: with each change, its sessions and events change too. */
  refresh: () => Promise<unknown>;
  children: ReactNode;
}) {
  const [asking, setAsking] = useState<((proven: boolean) => void) | null>(null);

  const change: Change = useCallback(
    async (send, { last = false } = {}) => {
      let payload = await send();
      if (has(payload, "REAUTHENTICATION_REQUIRED")) {
        const proven = await new Promise<boolean>((resolve) => setAsking(() => resolve));
        setAsking(null);
        if (!proven) return null;
        payload = await send();
      }
      // The change is made, even if this fails.
      if (!last) refresh().catch(() => {});
      return payload;
    },
    [refresh],
  );

  return (
    <ChangeContext value={change}>
      {children}
      {asking && <ConfirmDialog account={account} providers={providers} onEnd={asking} />}
    </ChangeContext>
  );
}

function ConfirmDialog({
  account,
  providers,
  onEnd,
}: {
  account: ProofFragment;
  providers: Provider[];
  onEnd: (proven: boolean) => void;
}) {
  const [reauthenticate] = useMutation(ReauthenticateDocument, { fetchPolicy: "no-cache" });
  const credential = useCredential();
  const { blocked, ask, run, messages } = useOutcome();
  const { dialog, close } = useDialog(onEnd);
  const title = useId();
  /** With a second factor, both steps have to be recent: the service says which one is missing. */
  const [step, setStep] = useState<"first" | "second">("first");
  const [isLate, setLate] = useState(false);
  const methods = account.reauthenticationMethods;
  const linked = account.socialAccounts.map(({ provider }) => provider);
  const usable = methods.includes("SOCIAL")
    ? providers.filter((provider) => linked.includes(provider.name) && canRedirect(provider))
    : [];
  const hasMail = methods.includes("EMAIL_CODE");
  const hasPassword = methods.includes("PASSWORD");
  const hasPasskey = methods.includes("PASSKEY") && isSupported();

  async function prove(credential: ReauthenticationCredentialInput): Promise<Failure[] | null> {
    const { data } = await reauthenticate({ variables: { input: { credential } } });
    const payload = data!.reauthenticate;
    if (payload.errors.length === 0) close(true);
    else if (step === "first" && has(payload, "MFA_REQUIRED")) setStep("second");
    else if (step === "second" && has(payload, "REAUTHENTICATION_REQUIRED")) {
      setStep("first");
      setLate(true);
    } else return payload.errors;
    return null;
  }

  async function confirmWith(provider: Provider) {
    const social = await ask(
      () => credential(provider, "LOGIN"),
      `Continue in the window of ${provider.label}.`,
    );
    if (social) await run(() => prove({ social }));
  }

  const cancel = (
    <button type="button" className="quiet" onClick={() => close(false)}>
      Cancel
    </button>
  );
  if (step === "second")
    return (
      <dialog ref={dialog} aria-labelledby={title}>
        <h2 id={title}>Confirm the second step</h2>
        <p>Your account has a second step, so this change needs it too.</p>
        <SecondFactor
          methods={account.mfa.methods}
          label="Confirm"
          purpose="REAUTHENTICATION"
          answer={(factor) => prove(factor as ReauthenticationCredentialInput)}
          focus
        />
        {cancel}
      </dialog>
    );
  return (
    <dialog ref={dialog} aria-labelledby={title}>
      <h2 id={title}>Confirm that it is you</h2>
      <p>This change needs a recent sign-in. Confirm who you are to go on.</p>
      <Alert>{isLate ? "That took too long. Please start again." : ""}</Alert>
      {hasPassword && (
        <Form
          label="Confirm"
          fields={["password"]}
          submit={async ({ password = "" }) =>
            (await prove({ password }))?.map(wrongPasswordAt("password")) ?? null
          }
        >
          <ForAccount email={account.email} />
          <PasswordField name="password" label="Your password" autoComplete="current-password" required />
        </Form>
      )}
      {hasMail && (
        <div className="providers">
          {hasPassword && <p className="divider">or</p>}
          <ByMail email={account.email} prove={prove} />
        </div>
      )}
      {hasPasskey && (
        <div className="providers">
          {(hasPassword || hasMail) && <p className="divider">or</p>}
          <PasskeyButton input={{ purpose: "REAUTHENTICATION" }} send={(passkey) => prove({ passkey })} secondary>
            Confirm with a passkey
          </PasskeyButton>
        </div>
      )}
      {usable.length > 0 && (
        <div className="providers">
          {(hasPassword || hasMail || hasPasskey) && <p className="divider">or</p>}
          <Messages {...messages} />
          {usable.map((provider) => (
            <button
              key={provider.name}
              type="button"
              className="secondary"
              aria-disabled={blocked}
              onClick={() => void confirmWith(provider)}
            >
              Confirm with {provider.label}
            </button>
          ))}
        </div>
      )}
      {!hasPassword && !hasMail && !hasPasskey && usable.length === 0 && (
        <p>Sign out and sign in again, then repeat the change within a few minutes.</p>
      )}
      {cancel}
    </dialog>
  );
}

/** Mails a code, and takes it. */
function ByMail({
  email,
  prove,
}: {
  email: string;
  prove: (credential: ReauthenticationCredentialInput) => Promise<Failure[] | null>;
}) {
  const [request] = useMutation(RequestReauthenticationCodeDocument, { fetchPolicy: "no-cache" });
  const [token, setToken] = useState("");

  async function send() {
    const { mailedCode, errors } = (await request()).data!.requestReauthenticationCode;
    if (mailedCode) setToken(mailedCode.token);
    return errors;
  }

  return (
    <>
      {token && (
        <Form
          label="Confirm with the code"
          fields={["code"]}
          submit={async ({ code = "" }) =>
            (await prove({ emailCode: { challengeToken: token, code } }))?.map(wrongCodeAtField) ?? null
          }
        >
          <p>
            We have sent a mail to <bdi>{email}</bdi>.
          </p>
          <CodeField />
        </Form>
      )}
      <Resend send={send}>{token ? "Send a new code" : "Mail me a code"}</Resend>
    </>
  );
}

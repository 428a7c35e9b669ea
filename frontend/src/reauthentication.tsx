/** Confirms who the user is before a sensitive change, then repeats the change. */
import { useMutation } from "@apollo/client/react";
import { createContext, use, useCallback, useId, useState, type ReactNode } from "react";
import {
  ReauthenticateDocument,
  RequestReauthenticationCodeDocument,
  type ProofFragment,
  type ReauthenticationCredentialInput,
} from "./__generated__/graphql";
import { useCredential } from "./credential";
import { useDialog } from "./dialog";
import { wrongCodeAtField, wrongPasswordAt, type Failure } from "./errors";
import { CodeField, ForAccount, Form, PasswordField } from "./form";
import { Resend } from "./mailed-code";
import { Messages, useOutcome } from "./outcome";
import { canRedirect, type Provider } from "./providers";

interface Payload {
  errors: Failure[];
}
/** Resolves to null if the user did not confirm who they are: then nothing has changed.
 *  After the `last` change of a session there is nothing to read. */
type Change = <T extends Payload>(send: () => Promise<T>, options?: { last?: boolean }) => Promise<T | null>;
const ChangeContext = createContext<Change | null>(null);

/** Changes the account. Asks who the user is if the service wants to know, and then sends the same once more. */
export function useChange(): Change {
  const change = use(ChangeContext);
  if (!change) throw new Error("Reauthentication is missing.");
  return change;
}

const needsProof = ({ errors }: Payload) => errors.some(({ code }) => code === "REAUTHENTICATION_REQUIRED");

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
      if (needsProof(payload)) {
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
  const methods = account.reauthenticationMethods;
  const linked = account.socialAccounts.map(({ provider }) => provider);
  const usable = methods.includes("SOCIAL")
    ? providers.filter((provider) => linked.includes(provider.name) && canRedirect(provider))
    : [];
  const hasMail = methods.includes("EMAIL_CODE");
  const hasPassword = methods.includes("PASSWORD");

  async function prove(credential: ReauthenticationCredentialInput): Promise<Failure[] | null> {
    const { data } = await reauthenticate({ variables: { input: { credential } } });
    const { errors } = data!.reauthenticate;
    if (errors.length > 0) return errors;
    close(true);
    return null;
  }

  async function confirmWith(provider: Provider) {
    const social = await ask(
      () => credential(provider, "LOGIN"),
      `Continue in the window of ${provider.label}.`,
    );
    if (social) await run(() => prove({ social }));
  }

  return (
    <dialog ref={dialog} aria-labelledby={title}>
      <h2 id={title}>Confirm that it is you</h2>
      <p>This change needs a recent sign-in. Confirm who you are to go on.</p>
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
      {usable.length > 0 && (
        <div className="providers">
          {(hasPassword || hasMail) && <p className="divider">or</p>}
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
      {!hasPassword && !hasMail && usable.length === 0 && (
        <p>Sign out and sign in again, then repeat the change within a few minutes.</p>
      )}
      <button type="button" className="quiet" onClick={() => close(false)}>
        Cancel
      </button>
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

/** The mailed links that ask for nothing but a press. */
import { useMutation } from "@apollo/client/react";
import {
  CancelAccountDeletionDocument,
  ConfirmEmailChangeDocument,
  DisownRegistrationDocument,
  SecureAccountDocument,
  UndoEmailChangeDocument,
} from "../__generated__/graphql";
import { BASE } from "../base";
import type { Failure } from "../errors";
import { Action, MailedAction, MailedLink } from "../mailed-link";
import { Link } from "../navigation";
import { Page } from "../page";
import { useIsActive, useRecheck } from "../use-session";
import { PasswordForm } from "./sign-in";

const choosePassword = (
  <p>
    Is somebody else using your account? <Link href="/forgot-password">Choose a new password</Link>. This ends all
    sessions.
  </p>
);

export function DisownRegistration() {
  const [disown] = useMutation(DisownRegistrationDocument);
  return (
    <MailedAction
      title="Delete the account?"
      label="I did not sign up: delete the account"
      danger
      send={async (token) => (await disown({ variables: { input: { token } } })).data!.disownRegistration.errors}
      done={{ title: "The account is deleted", text: <p>You can close this page.</p> }}
      next={
        <p>
          If nobody confirms your address, nobody can use it. To take over an account that exists,{" "}
          <Link href="/forgot-password">choose a new password</Link>.
        </p>
      }
    >
      <p>
        Somebody signed up to Latchkey with your address, the one to which we sent the link. If it was not you, delete
        the account. It was never confirmed. You cannot undo this.
      </p>
      <p>Was it you? Then go back, or close this page.</p>
    </MailedAction>
  );
}

/** It takes the account too: a link alone would let strangers give your address to theirs. */
export function ConfirmEmail() {
  const [confirm] = useMutation(ConfirmEmailChangeDocument);
  const isActive = useIsActive();
  return (
    <MailedLink
      next={
        <p>
          The link works in the account that asked for the change. If you are signed in to another one, sign out first. You
          can ask for a new mail in <Link href="/">your account</Link>.
        </p>
      }
    >
      {(token, check) =>
        isActive ? (
          <Action
            title="Confirm your new address"
            label="Confirm address"
            press={async () =>
              check((await confirm({ variables: { input: { token } } })).data!.confirmEmailChange.errors)
            }
            done={{
              title: "Your address is changed",
              text: (
                <p>
                  From now on, sign in with the new address. <Link href="/">Go to your account</Link>
                </p>
              ),
            }}
          >
            <p>
              The account to which you are signed in gets the address to which we sent the link, in place of its present
              one.
            </p>
            <p>Did you not ask for this? Then close this page: the link expires by itself.</p>
          </Action>
        ) : (
          <Page title="Sign in to go on" narrow>
            <p>
              To confirm your new address, sign in with the present one first, here or in another tab. Then come back to this
              page.
            </p>
            <PasswordForm />
            <p className="aside">
              <a href={`${BASE}/sign-in`} target="_blank">
                Sign in another way, in a new tab
              </a>
            </p>
            <p>Did you not ask for this? Then close this page: the link expires by itself.</p>
          </Page>
        )
      }
    </MailedLink>
  );
}

export function UndoEmailChange() {
  const [undo] = useMutation(UndoEmailChangeDocument);
  const send = useEnding(async (token) => (await undo({ variables: { input: { token } } })).data!.undoEmailChange);
  return (
    <MailedAction
      title="Undo the change of your address?"
      label="Undo the change"
      danger
      send={send}
      done={{
        title: "The change is undone",
        text: (
          <p>
            Your account has its former address again, and all its sessions have ended. We have sent you a mail with
            which to choose a new password.
          </p>
        ),
      }}
      next={
        <p>
          A change can be undone for 7 days, and once. After that, ask the operator of this service for help.
        </p>
      }
    >
      <p>
        Your account gets back the address to which we sent the link. All its sessions end, its password no longer works,
        and what was added since the change is removed. We then mail you a link for choosing a new password.
      </p>
      <p>Did you change the address yourself? Then close this page.</p>
    </MailedAction>
  );
}

export function SecureAccount() {
  const [secure] = useMutation(SecureAccountDocument);
  const send = useEnding(async (token) => (await secure({ variables: { input: { token } } })).data!.secureAccount);
  return (
    <MailedAction
      title="Secure your account?"
      label="This was not me: secure the account"
      danger
      send={send}
      done={{
        title: "Your account is secured",
        text: (
          <p>
            All its sessions have ended, and its password no longer works. We have sent you a mail with which to choose a
            new one.
          </p>
        ),
      }}
      next={choosePassword}
    >
      <p>
        Did somebody else do what our mail describes? Then secure the account with the address to which we sent the link:
        all its sessions end, and its password no longer works. We then mail you a link for choosing a new one.
      </p>
      <p>Was it you? Then close this page.</p>
    </MailedAction>
  );
}

export function CancelDeletion() {
  const [cancel] = useMutation(CancelAccountDeletionDocument);
  return (
    <MailedAction
      title="Keep your account?"
      label="Keep the account"
      send={async (token) => (await cancel({ variables: { input: { token } } })).data!.cancelAccountDeletion.errors}
      done={{
        title: "Your account stays",
        text: (
          <>
            <p>
              It is as it was. <Link href="/sign-in">Sign in</Link>
            </p>
            <p>
              Was it not you who deleted it? Somebody else may know your password:{" "}
              <Link href="/forgot-password">choose a new one</Link>.
            </p>
          </>
        ),
      }}
      next={
        <p>
          Once the day of the deletion has passed, the account is gone. Before it, ask the operator of this service for
          help. If you kept the account already, <Link href="/sign-in">sign in</Link>.
        </p>
      }
    >
      <p>
        The account with the address to which we sent the link is going to be deleted. This keeps it, with all its data.
        You can then sign in again.
      </p>
    </MailedAction>
  );
}

/** Sends what ends sessions, perhaps that of this browser. */
function useEnding(send: (token: string) => Promise<{ errors: Failure[] }>) {
  const recheck = useRecheck();
  return async (token: string) => {
    const { errors } = await send(token);
    if (errors.length === 0) await recheck();
    return errors;
  };
}

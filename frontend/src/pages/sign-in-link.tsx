import { useMutation } from "@apollo/client/react";
import { SignInWithCodeDocument } from "../__generated__/graphql";
import { useSettle } from "../challenges";
import { Form } from "../form";
import { MailedLink } from "../mailed-link";
import { Link } from "../navigation";
import { Messages, useOutcome } from "../outcome";
import { Page } from "../page";
import { usePerson, useSession } from "../use-session";

/** Signs in with a mailed link, which may be opened on another device than the one that asked for it. */
export function SignInLink() {
  const settle = useSettle();
  const session = useSession();
  const isSignedIn = usePerson() !== null;
  const [signIn] = useMutation(SignInWithCodeDocument, { fetchPolicy: "no-cache" });
  const { run, blocked, messages } = useOutcome();
  return (
    <MailedLink
      next={
        <p>
          <Link href="/sign-in-code">Send a new mail</Link>
        </p>
      }
    >
      {(token, check) =>
        isSignedIn ? (
          <Page title="You are already signed in" narrow>
            <p>Sign out here first, if the link is for another account.</p>
            <Messages {...messages} />
            <button
              type="button"
              className="secondary"
              aria-disabled={blocked}
              onClick={() => void run(() => session.end().then(() => []))}
            >
              Sign out
            </button>
            <p className="aside">
              <Link href="/">Go to your account</Link>
            </p>
          </Page>
        ) : (
          <Page title="Sign in on this device?" narrow>
            <p>
              You are about to sign in to Latchkey in this browser, to the account with the address to which we
              sent the link. Nothing has happened so far.
            </p>
            <p>Did you not ask for this mail? Then close this page: the link expires by itself.</p>
            <Form
              label="Sign in on this device"
              fields={[]}
              submit={async () => {
                const input = {
                  credential: { linkToken: token },
                  refreshTokenTransport: "COOKIE" as const,
                };
                const outcome = (await signIn({ variables: { input } })).data!.tokenAuthWithCode;
                return (await settle(outcome)) ? null : check(outcome.errors);
              }}
            />
          </Page>
        )
      }
    </MailedLink>
  );
}

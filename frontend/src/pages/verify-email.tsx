import { useMutation, useQuery } from "@apollo/client/react";
import { useEffect, useState } from "react";
import { AuthConfigDocument, ResendVerificationDocument, VerifyEmailDocument } from "../__generated__/graphql";
import type { EmailVerificationChallenge } from "../challenges";
import { fieldOf, type Failure } from "../errors";
import { Field, ForAccount, Form, PasswordField, passwordHint } from "../form";
import { MailedLink, withToken, type Check } from "../mailed-link";
import { Link } from "../navigation";
import { Page } from "../page";
import { announceConfirmation, findRegistration } from "../registration";
import { useIsActive, useRecheck } from "../use-session";

/** Confirms the address of an account or a registration with a mailed link. */
export function VerifyEmail() {
  return (
    <MailedLink next={<SendAgain />}>
      {(token, check) => <Confirmation token={token} check={check} />}
    </MailedLink>
  );
}

function Confirmation({ token, check }: { token: string; check: Check }) {
  const [verify] = useMutation(VerifyEmailDocument, { fetchPolicy: "no-cache" });
  const recheck = useRecheck();
  const isActive = useIsActive();
  const { data } = useQuery(AuthConfigDocument);
  const [registration, setRegistration] = useState<EmailVerificationChallenge | null>(null);
  const [stage, setStage] = useState<"ask" | "password" | "done">("ask");
  useEffect(() => void findRegistration().then(setRegistration), []);

  async function send(proof: { challengeToken?: string; newPassword?: string }): Promise<Failure[] | null> {
    const { errors } = (await verify({ variables: { input: { link: { token, ...proof } } } })).data!.verifyEmail;
    const codes = errors.map(({ code }) => code);
    if (proof.challengeToken && codes.includes("INVALID_CHALLENGE")) {
      // This browser registered something else.
      setRegistration(null);
      return send({});
    }
    if (!proof.newPassword && errors.some((error) => error.code === "REQUIRED" && fieldOf(error) === "newPassword")) {
      setStage("password");
      return null;
    }
    if (errors.length === 0) {
      if (proof.challengeToken) announceConfirmation();
      setStage("done");
      // A new password ends all sessions.
      if (proof.newPassword) await recheck();
    }
    return check(errors);
  }

  const disown = (
    <p className="aside">
      You did not sign up? <Link href={withToken("/disown-registration", token)}>Delete the account</Link>
    </p>
  );

  if (stage === "done")
    return (
      <Page title="Your address is confirmed" narrow>
        <p>{isActive ? <Link href="/">Go to your account</Link> : <Link href="/sign-in">Sign in</Link>}</p>
      </Page>
    );
  if (stage === "password")
    return (
      <Page title="Choose a new password" narrow>
        <p>
          This browser is not the one in which somebody signed up with your address, and we cannot tell whether
          that was you. So choose a new password. Everything from before ends: the old password, all sessions and
          linked accounts.
        </p>
        <p>
          Was it you? Then you can also open the link in the browser where you signed up, or type the code of the
          mail there, and keep your password.
        </p>
        <Form
          label="Set password and confirm"
          fields={["newPassword"]}
          submit={({ newPassword = "" }) => send({ newPassword })}
        >
          <ForAccount />
          <PasswordField
            name="newPassword"
            label="New password"
            hint={passwordHint(data?.authConfig.passwordPolicy)}
            autoComplete="new-password"
            required
          />
        </Form>
        {disown}
      </Page>
    );
  return (
    <Page title="Confirm your address" narrow>
      <p>
        {registration ? (
          <>
            This confirms the address of the account that you created in this browser,{" "}
            <strong>
              <bdi>{registration.email}</bdi>
            </strong>
            .
          </>
        ) : (
          "This confirms, for the account with the address to which we sent the link, that the address is yours."
        )}
      </p>
      <Form
        label="Confirm address"
        fields={[]}
        submit={() => send(registration ? { challengeToken: registration.token } : {})}
      />
      {disown}
    </Page>
  );
}

/** Mails a new link. */
function SendAgain() {
  const [resend] = useMutation(ResendVerificationDocument, { fetchPolicy: "no-cache" });
  return (
    <>
      <p>Is the address not confirmed yet? Then we mail you a new link.</p>
      <Form
        label="Send a new mail"
        fields={["email"]}
        success="If the address waits for confirmation, a mail is on its way."
        submit={async ({ email = "" }) =>
          (await resend({ variables: { input: { email } } })).data!.resendVerification.errors
        }
      >
        <Field name="email" label="E-mail" type="email" autoComplete="username" required />
      </Form>
      <p className="aside">
        <Link href="/sign-in">Back to sign in</Link>
      </p>
    </>
  );
}

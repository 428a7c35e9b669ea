import { useMutation, useQuery } from "@apollo/client/react";
import { useState } from "react";
import { AuthConfigDocument, RequestPasswordResetDocument, ResetPasswordDocument } from "../__generated__/graphql";
import { wrongCodeAtField } from "../errors";
import { CodeField, ForAccount, Form, PasswordField, passwordHint } from "../form";
import { MailedCodePage, useMailedCode } from "../mailed-code";
import { Link } from "../navigation";
import { useRecheck } from "../use-session";
import { PasswordChanged } from "./reset-password";

/** Mails a link and a code for choosing a new password, and takes the code. */
export function ForgotPassword() {
  const { data } = useQuery(AuthConfigDocument);
  const [request] = useMutation(RequestPasswordResetDocument, { fetchPolicy: "no-cache" });
  const [reset] = useMutation(ResetPasswordDocument, { fetchPolicy: "no-cache" });
  const recheck = useRecheck();
  const [isDone, setDone] = useState(false);
  const code = useMailedCode(
    "password-reset",
    async (email) => (await request({ variables: { input: { email } } })).data!.requestPasswordReset,
  );

  if (isDone) return <PasswordChanged />;
  return (
    <MailedCodePage
      title="Choose a new password"
      explanation="We mail you a link and a code with which you can choose a new password, or your first one."
      code={code}
      aside={
        <p className="aside">
          <Link href="/sign-in">Back to sign in</Link>
        </p>
      }
    >
      {({ email, token }) => (
        <Form
          label="Change password"
          fields={["code", "newPassword"]}
          submit={async ({ code: typed = "", newPassword = "" }) => {
            const credential = { code: { challengeToken: token, code: typed } };
            const { errors } = (await reset({ variables: { input: { credential, newPassword } } })).data!.resetPassword;
            if (errors.length === 0) {
              code.forget();
              setDone(true);
              await recheck();
            }
            return errors.map(wrongCodeAtField);
          }}
        >
          <CodeField />
          <ForAccount email={email} />
          <PasswordField
            name="newPassword"
            label="New password"
            hint={passwordHint(data?.authConfig.passwordPolicy)}
            autoComplete="new-password"
            required
          />
          <p className="hint">A new password ends all sessions of the account.</p>
        </Form>
      )}
    </MailedCodePage>
  );
}

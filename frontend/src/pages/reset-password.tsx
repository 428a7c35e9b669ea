import { useMutation, useQuery } from "@apollo/client/react";
import { useState } from "react";
import { AuthConfigDocument, ResetPasswordDocument } from "../__generated__/graphql";
import { ForAccount, Form, PasswordField, passwordHint } from "../form";
import { MailedLink } from "../mailed-link";
import { Link } from "../navigation";
import { Page } from "../page";
import { useRecheck } from "../use-session";

/** Chooses a new password with a mailed link. */
export function ResetPassword() {
  const { data } = useQuery(AuthConfigDocument);
  const [reset] = useMutation(ResetPasswordDocument, { fetchPolicy: "no-cache" });
  const recheck = useRecheck();
  const [used, setUsed] = useState("");
  return (
    <MailedLink
      next={
        <p>
          <Link href="/forgot-password">Send a new mail</Link>
        </p>
      }
    >
      {(token, check) =>
        used === token ? (
          <PasswordChanged />
        ) : (
          <Page title="Choose a new password" narrow>
            <p>It is for the account with the address to which we sent the link. All its sessions end.</p>
            <Form
              label="Change password"
              fields={["newPassword"]}
              submit={async ({ newPassword = "" }) => {
                const input = { credential: { linkToken: token }, newPassword };
                const { errors } = (await reset({ variables: { input } })).data!.resetPassword;
                if (errors.length === 0) {
                  setUsed(token);
                  await recheck();
                }
                return check(errors);
              }}
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
          </Page>
        )
      }
    </MailedLink>
  );
}

export function PasswordChanged() {
  return (
    <Page title="Your password is changed" narrow>
      <p>All sessions of the account have ended.</p>
      <p>
        <Link href="/sign-in">Sign in</Link>
      </p>
    </Page>
  );
}

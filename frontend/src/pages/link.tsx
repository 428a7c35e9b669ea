import { useMutation, useQuery } from "@apollo/client/react";
import { AuthConfigDocument, SignInDocument } from "../__generated__/graphql";
import type { LinkChallenge } from "../challenges";
import { Field, PasswordField, SignInForm } from "../form";
import { Page } from "../page";
import { Resend } from "../mailed-code";
import { PasskeySignIn } from "../passkeys/parts";
import { isSupported } from "../passkeys/supported";
import { ProviderButtons } from "../provider-buttons";
import { CodeForm, useSignInCode } from "./sign-in-code";

/** Signs in to the account with the provider's address, to link the provider to it. */
export function LinkSignIn({ challenge, onCancel }: { challenge: LinkChallenge; onCancel: () => void }) {
  const { provider, email, signInMethods } = challenge;
  const { data } = useQuery(AuthConfigDocument);
  const [signIn] = useMutation(SignInDocument, { fetchPolicy: "no-cache" });
  const label = data?.authConfig.socialProviders.find(({ name }) => name === provider)?.label ?? provider;
  const code = useSignInCode();
  const hasPassword = signInMethods.includes("PASSWORD");
  return (
    <Page title="You already have an account" narrow>
      <p>
        <strong>
          <bdi>{email}</bdi>
        </strong>, your address at {label}, already has an account.{" "}
        {hasPassword ? "Enter its password" : "Sign in to it"} to link {label}.
      </p>
      {hasPassword && (
        <SignInForm
          label={`Sign in and link ${label}`}
          fields={["email", "password"]}
          link={challenge}
          submit={async ({ email = "", password = "" }) => {
            const input = { email, password, refreshTokenTransport: "COOKIE" as const };
            return (await signIn({ variables: { input } })).data!.tokenAuth;
          }}
        >
          <Field
            name="email"
            label="E-mail"
            type="email"
            autoComplete="username"
            value={email}
            readOnly
            required
          />
          <PasswordField name="password" label="Password" autoComplete="current-password" required />
        </SignInForm>
      )}
      {signInMethods.includes("EMAIL_CODE") && (
        <>
          {code.mailed?.email === email && (
            <CodeForm mailed={code.mailed} link={challenge} onSignedIn={code.forget} />
          )}
          <Resend send={() => code.ask(email)}>Mail me a code to sign in</Resend>
        </>
      )}
      {signInMethods.includes("PASSKEY") && isSupported() && <PasskeySignIn link={challenge} />}
      {signInMethods.includes("SOCIAL") && <ProviderButtons link={challenge} />}
      <button type="button" className="quiet" onClick={onCancel}>
        Cancel
      </button>
    </Page>
  );
}

import { useMutation, useQuery } from "@apollo/client/react";
import { AuthConfigDocument, SignInDocument } from "../__generated__/graphql";
import { Field, PasswordField, SignInForm } from "../form";
import { Link } from "../navigation";
import { Page } from "../page";
import { PasskeySignIn } from "../passkeys/parts";
import { notePassword } from "../passkeys/password-use";
import { isSupported } from "../passkeys/supported";
import { ProviderButtons } from "../provider-buttons";

export function PasswordForm() {
  // no-cache keeps tokens out of the cache.
  const [signIn] = useMutation(SignInDocument, { fetchPolicy: "no-cache" });
  return (
    <SignInForm
      label="Sign in"
      fields={["email", "password"]}
      submit={async ({ email = "", password = "" }) => {
        const input = { email, password, refreshTokenTransport: "COOKIE" as const };
        const outcome = (await signIn({ variables: { input } })).data!.tokenAuth;
        if (outcome.tokens || outcome.challenge) notePassword();
        return outcome;
      }}
    >
      <Field name="email" label="E-mail" type="email" autoComplete="username webauthn" required />
      <PasswordField name="password" label="Password" autoComplete="current-password" required />
    </SignInForm>
  );
}

export function SignIn({ farewell }: { farewell: string }) {
  const { data } = useQuery(AuthConfigDocument);
  const config = data?.authConfig;
  return (
    <Page title="Sign in" narrow>
      <div role="status">{farewell && <p className="notice">{farewell}</p>}</div>
      <PasswordForm />
      <p className="aside links">
        <Link href="/forgot-password">Forgot your password?</Link>
        {config?.signInMethods.includes("EMAIL_CODE") && <Link href="/sign-in-code">Sign in by mail</Link>}
      </p>
      {config?.signInMethods.includes("PASSKEY") && isSupported() && <PasskeySignIn />}
      <ProviderButtons />
      <p className="aside">
        {config?.registrationOpen === false ? (
          "New accounts cannot be created here at the moment."
        ) : (
          <>
            New here? <Link href="/register">Create an account</Link>
          </>
        )}
      </p>
    </Page>
  );
}

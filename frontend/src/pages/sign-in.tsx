import { useMutation } from "@apollo/client/react";
import { SignInDocument } from "../__generated__/graphql";
import { Field, PasswordField, SignInForm } from "../form";
import { Link } from "../navigation";
import { Page } from "../page";
import { ProviderButtons } from "../provider-buttons";

export function SignIn({ farewell }: { farewell: string }) {
  // no-cache keeps tokens out of the cache.
  const [signIn] = useMutation(SignInDocument, { fetchPolicy: "no-cache" });
  return (
    <Page title="Sign in" narrow>
      <div role="status">{farewell && <p className="notice">{farewell}</p>}</div>
      <SignInForm
        label="Sign in"
        fields={["email", "password"]}
        submit={async ({ email = "", password = "" }) => {
          const input = { email, password, refreshTokenTransport: "COOKIE" as const };
          return (await signIn({ variables: { input } })).data!.tokenAuth;
        }}
      >
        <Field name="email" label="E-mail" type="email" autoComplete="username" required />
        <PasswordField name="password" label="Password" autoComplete="current-password" required />
      </SignInForm>
      <ProviderButtons />
      <p className="aside">
        New here? <Link href="/register">Create an account</Link>
      </p>
    </Page>
  );
}

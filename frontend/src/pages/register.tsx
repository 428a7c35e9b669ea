import { useMutation, useQuery } from "@apollo/client/react";
import { AuthConfigDocument, RegisterDocument } from "../__generated__/graphql";
import { Field, PasswordField, passwordHint, SignInForm } from "../form";
import { Link } from "../navigation";
import { Page } from "../page";
import { ProviderButtons } from "../provider-buttons";

export function Register() {
  const { data } = useQuery(AuthConfigDocument);
  const [register] = useMutation(RegisterDocument, { fetchPolicy: "no-cache" });
  if (data && !data.authConfig.registrationOpen)
    return (
      <Page title="Create an account" narrow>
        <p>New accounts cannot be created here at the moment.</p>
        <p className="aside">
          Have an account? <Link href="/sign-in">Sign in</Link>
        </p>
      </Page>
    );
  return (
    <Page title="Create an account" narrow>
      <SignInForm
        label="Create account"
        fields={["firstName", "lastName", "username", "email", "password"]}
        submit={async ({ firstName = "", lastName = "", username = "", email = "", password = "" }) => {
          const input = {
            firstName,
            lastName,
            username,
            email,
            password,
            refreshTokenTransport: "COOKIE" as const,
          };
          return (await register({ variables: { input } })).data!.register;
        }}
      >
        <div className="pair">
          <Field name="firstName" label="First name" autoComplete="given-name" required />
          <Field name="lastName" label="Last name" autoComplete="family-name" />
        </div>
        <Field
          name="username"
          label="Username"
          hint="Everyone can see it."
          autoComplete="nickname"
          autoCapitalize="none"
          spellCheck={false}
          required
        />
        <Field name="email" label="E-mail" type="email" autoComplete="username" required />
        <PasswordField
          name="password"
          label="Password"
          hint={passwordHint(data?.authConfig.passwordPolicy)}
          autoComplete="new-password"
          required
        />
      </SignInForm>
      <ProviderButtons />
      <p className="aside">
        Have an account? <Link href="/sign-in">Sign in</Link>
      </p>
    </Page>
  );
}

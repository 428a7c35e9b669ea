import { useMutation } from "@apollo/client/react";
import { RegisterDocument } from "../__generated__/graphql";
import { Field, PasswordField, SignInForm } from "../form";
import { Link } from "../navigation";
import { Page } from "../page";
import { ProviderButtons } from "../provider-buttons";

/** The service writes the configured value into the page. */
const PASSWORD_MIN_LENGTH =
  document.querySelector<HTMLMetaElement>("meta[name=password-min-length]")?.content ?? "15";

export function Register() {
  const [register] = useMutation(RegisterDocument, { fetchPolicy: "no-cache" });
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
          hint={`At least ${PASSWORD_MIN_LENGTH} characters. A few unrelated words make a strong password.`}
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

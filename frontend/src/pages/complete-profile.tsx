import { useMutation } from "@apollo/client/react";
import { CompleteProfileDocument } from "../__generated__/graphql";
import type { ProfileChallenge } from "../challenges";
import { Field, SignInForm } from "../form";
import { Page } from "../page";

/** Asks for the details that the provider omitted. */
export function CompleteProfile({
  challenge,
  onCancel,
}: {
  challenge: ProfileChallenge;
  onCancel: () => void;
}) {
  const [complete] = useMutation(CompleteProfileDocument, { fetchPolicy: "no-cache" });
  const { token, missing, suggestion } = challenge;
  return (
    <Page title="Almost there" narrow>
      <p>We need a few more details to create your account.</p>
      <SignInForm
        label="Create account"
        fields={["firstName", "lastName", "username", "email"]}
        submit={async (values) =>
          (await complete({ variables: { input: { challengeToken: token, ...values } } })).data!
            .answerProfileChallenge
        }
      >
        {missing.includes("FIRST_NAME") && (
          <Field
            name="firstName"
            label="First name"
            autoComplete="given-name"
            defaultValue={suggestion.firstName ?? ""}
            required
          />
        )}
        {missing.includes("LAST_NAME") && (
          <Field
            name="lastName"
            label="Last name"
            autoComplete="family-name"
            defaultValue={suggestion.lastName ?? ""}
            required
          />
        )}
        <Field
          name="username"
          label="Username"
          hint="Everyone can see it."
          autoComplete="nickname"
          autoCapitalize="none"
          spellCheck={false}
          defaultValue={suggestion.username ?? ""}
          required
        />
        {missing.includes("EMAIL") && (
          <Field
            name="email"
            label="E-mail"
            type="email"
            autoComplete="email"
            defaultValue={suggestion.email ?? ""}
            required
          />
        )}
      </SignInForm>
      <button type="button" className="quiet" onClick={onCancel}>
        Cancel
      </button>
    </Page>
  );
}

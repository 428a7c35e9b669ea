import { useMutation } from "@apollo/client/react";
import { UpdateAccountDocument, type ProfileFragment } from "../__generated__/graphql";
import { useChange } from "../change";
import { Field, Form, SelectField } from "../form";
import { Section } from "./section";

const LANGUAGES = ["ar", "de", "en", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "tr", "uk", "zh"];

/** A language's name for itself. */
function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export function Profile({ account }: { account: ProfileFragment }) {
  const change = useChange();
  const [update] = useMutation(UpdateAccountDocument);
  const languages = [...new Set([account.locale, ...LANGUAGES])].sort();
  return (
    <Section title="Profile">
      <Form
        label="Save profile"
        fields={["firstName", "lastName", "username", "locale"]}
        success="Your profile is saved."
        submit={async (values) => {
          // Only what has changed: a username, for example, can be changed once in a while only.
          const input = Object.fromEntries(
            Object.entries(values).filter(([name, value]) => value !== account[name as keyof ProfileFragment]),
          );
          if (Object.keys(input).length === 0) return [];
          const payload = await change(
            async () => (await update({ variables: { input } })).data!.updateAccount,
          );
          return payload && payload.errors;
        }}
      >
        <div className="pair">
          <Field
            name="firstName"
            label="First name"
            autoComplete="given-name"
            defaultValue={account.firstName}
            required
          />
          <Field name="lastName" label="Last name" autoComplete="family-name" defaultValue={account.lastName} />
        </div>
        <div className="pair">
          <Field
            name="username"
            label="Username"
            hint="Everyone can see it."
            autoComplete="nickname"
            autoCapitalize="none"
            spellCheck={false}
            defaultValue={account.username}
            required
          />
          <SelectField
            name="locale"
            label="Language"
            hint="For e-mails to you."
            defaultValue={account.locale}
          >
            {languages.map((tag) => (
              <option key={tag} value={tag} lang={tag}>
                {languageName(tag)}
              </option>
            ))}
          </SelectField>
        </div>
      </Form>
    </Section>
  );
}

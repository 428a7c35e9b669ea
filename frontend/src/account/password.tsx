import { useMutation } from "@apollo/client/react";
import { useState } from "react";
import { ChangePasswordDocument, type OffersFragment, type ProofFragment } from "../__generated__/graphql";
import { useChange } from "../change";
import { wrongPasswordAt } from "../errors";
import { ForAccount, Form, passwordHint, PasswordField } from "../form";
import { Section } from "./section";

/** Changes the password, or sets the first one. */
export function Password({
  account,
  policy,
}: {
  account: ProofFragment;
  policy: OffersFragment["passwordPolicy"];
}) {
  const change = useChange();
  const [changePassword] = useMutation(ChangePasswordDocument);
  const [had, setHad] = useState(account.hasPassword);
  const { hasPassword } = account;
  return (
    <Section title="Password">
      {!hasPassword && <p>Your account has no password yet. With one, you can also sign in by e-mail.</p>}
      <Form
        label={hasPassword ? "Change password" : "Set password"}
        fields={["currentPassword", "newPassword"]}
        clears
        success={`Your password is ${had ? "changed" : "set"}. All other sessions have ended.`}
        submit={async ({ currentPassword, newPassword = "" }) => {
          setHad(hasPassword);
          const input = { newPassword, ...(currentPassword && { currentPassword }) };
          const payload = await change(
            async () => (await changePassword({ variables: { input } })).data!.changePassword,
          );
          return payload && payload.errors.map(wrongPasswordAt("currentPassword"));
        }}
      >
        {/* The browser looks at the new fields together: hence the key. */}
        <ForAccount key={String(hasPassword)} email={account.email} />
        {hasPassword && (
          <PasswordField
            name="currentPassword"
            label="Current password"
            autoComplete="current-password"
            required
          />
        )}
        <PasswordField
          name="newPassword"
          label="New password"
          hint={passwordHint(policy)}
          autoComplete="new-password"
          required
        />
      </Form>
    </Section>
  );
}

import { useMutation } from "@apollo/client/react";
import { AnswerEmailVerificationDocument, ResendVerificationDocument } from "../__generated__/graphql";
import type { EmailVerificationChallenge, LinkChallenge } from "../challenges";
import { wrongCodeAtField } from "../errors";
import { CodeField, SignInForm } from "../form";
import { Resend } from "../mailed-code";
import { Page } from "../page";

/** Waits until the address is confirmed, by its code here or by its link in another tab. */
export function CheckMail({
  challenge: { token, email },
  link,
  onCancel,
}: {
  challenge: EmailVerificationChallenge;
  link: LinkChallenge | null;
  onCancel: () => void;
}) {
  const [answer] = useMutation(AnswerEmailVerificationDocument, { fetchPolicy: "no-cache" });
  const [resend] = useMutation(ResendVerificationDocument, { fetchPolicy: "no-cache" });
  return (
    <Page title="Check your mail" narrow>
      <p>
        We have sent a mail to{" "}
        <strong>
          <bdi>{email}</bdi>
        </strong>
        . Type its code here to sign in, or open its link.
      </p>
      <SignInForm
        label="Confirm and sign in"
        fields={["code"]}
        link={link}
        submit={async ({ code = "" }) => {
          const { data } = await answer({ variables: { input: { challengeToken: token, code } } });
          const outcome = data!.answerEmailVerificationChallenge;
          return { ...outcome, errors: outcome.errors.map(wrongCodeAtField) as typeof outcome.errors };
        }}
      >
        <CodeField />
      </SignInForm>
      <Resend
        send={async () => (await resend({ variables: { input: { email } } })).data!.resendVerification.errors}
      >
        Send a new mail
      </Resend>
      <button type="button" className="quiet" onClick={onCancel}>
        Start again
      </button>
    </Page>
  );
}

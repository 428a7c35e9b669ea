import { useMutation, useQuery } from "@apollo/client/react";
import { useState } from "react";
import { AnswerMfaDocument, AuthConfigDocument } from "../__generated__/graphql";
import { useSettle, type LinkChallenge, type MfaChallenge } from "../challenges";
import { CheckField } from "../form";
import { Page } from "../page";
import SecondFactor from "../second-factor";

/** Asks for the second factor of a sign-in. */
export function SecondStep({
  challenge: { token, methods },
  link,
  onCancel,
}: {
  challenge: MfaChallenge;
  link: LinkChallenge | null;
  onCancel: () => void;
}) {
  const settle = useSettle();
  const [answer] = useMutation(AnswerMfaDocument, { fetchPolicy: "no-cache" });
  const { data } = useQuery(AuthConfigDocument);
  const days = data?.authConfig.rememberBrowserDays;
  const [remembers, setRemembers] = useState(false);
  const [isOver, setOver] = useState(false);
  if (isOver) return <StepIsOver onCancel={onCancel} />;
  return (
    <Page title="Second step" narrow>
      <p>Your account asks for a second step.</p>
      <SecondFactor
        methods={methods}
        label="Sign in"
        purpose="SECOND_FACTOR"
        challengeToken={token}
        answer={async (factor) => {
          const input = { challengeToken: token, factor, ...(remembers && { rememberBrowser: true }) };
          const outcome = (await answer({ variables: { input } })).data!.answerMfaChallenge;
          if (await settle(outcome, link)) return null;
          if (outcome.errors.some(({ code }) => code === "INVALID_CHALLENGE")) setOver(true);
          return outcome.errors;
        }}
      >
        {days && (
          <CheckField
            label={`Do not ask again in this browser for ${days === 1 ? "a day" : `${days} days`}`}
            checked={remembers}
            onChange={setRemembers}
          />
        )}
      </SecondFactor>
      <button type="button" className="quiet" onClick={onCancel}>
        Cancel
      </button>
    </Page>
  );
}

/** For a challenge that the service does not know any more. */
export function StepIsOver({ onCancel }: { onCancel: () => void }) {
  return (
    <Page title="Please sign in again" narrow>
      <p>This sign-in took too long, or a code was wrong too often.</p>
      <button type="button" onClick={onCancel}>
        Sign in again
      </button>
    </Page>
  );
}

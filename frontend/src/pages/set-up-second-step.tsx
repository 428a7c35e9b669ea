import { useMutation } from "@apollo/client/react";
import { useState } from "react";
import { AnswerMfaEnrollmentDocument } from "../__generated__/graphql";
import AppSetUp from "../authenticator-app";
import { ChangeContext, type Change } from "../change";
import { keepSetUp, useSettle, type LinkChallenge, type MfaEnrollmentChallenge } from "../challenges";
import { useEnrollment } from "../enrollment";
import type { Failure } from "../errors";
import { Form } from "../form";
import { Messages, useOutcome } from "../outcome";
import { Page } from "../page";
import { AddPasskeyButton } from "../passkeys/parts";
import { RecoveryCodes } from "../recovery-codes";
import { StepIsOver } from "./second-step";

interface SetUpProps {
  challenge: MfaEnrollmentChallenge;
  link: LinkChallenge | null;
  onCancel: () => void;
}

/** The challenge itself shows who the user is. */
const change: Change = (send) => send();

/** Sets up the second factor that the service requires, and finishes the sign-in. */
export function SetUpSecondStep(props: SetUpProps) {
  return (
    <ChangeContext value={change}>
      <SetUp {...props} />
    </ChangeContext>
  );
}

function SetUp({ challenge, link, onCancel }: SetUpProps) {
  const { token, methods, isSetUp = false } = challenge;
  const settle = useSettle();
  const [answer] = useMutation(AnswerMfaEnrollmentDocument, { fetchPolicy: "no-cache" });
  const { enrollment, begin, drop } = useEnrollment(token);
  const { blocked, run, messages } = useOutcome();
  const [codes, setCodes] = useState<string[] | null>(isSetUp ? [] : null);
  const [isOver, setOver] = useState(false);

  /** Shows the failures, or that the challenge is over. */
  function check(errors: Failure[] | null) {
    if (errors?.some(({ code }) => code === "INVALID_CHALLENGE")) setOver(true);
    return errors;
  }
  function setUp(recoveryCodes: string[]) {
    keepSetUp(challenge);
    setCodes(recoveryCodes);
  }
  async function finish(): Promise<Failure[] | null> {
    const outcome = (await answer({ variables: { input: { challengeToken: token } } })).data!.answerMfaEnrollmentChallenge;
    return (await settle(outcome, link)) ? null : check(outcome.errors);
  }

  if (isOver) return <StepIsOver onCancel={onCancel} />;
  if (codes)
    return (
      <Page title={codes.length > 0 ? "Save your recovery codes" : "Your second step is set up"} narrow>
        {codes.length > 0 && <RecoveryCodes codes={codes} />}
        {isSetUp && (
          <p>
            Recovery codes show only once. If you have not saved yours, make new ones on the page of your account after you
            have signed in.
          </p>
        )}
        <Form label={codes.length > 0 ? "I have saved them: sign in" : "Sign in"} fields={[]} submit={finish} />
      </Page>
    );
  if (enrollment)
    return (
      <Page title="Set up your app" narrow>
        <AppSetUp enrollment={enrollment} onDone={setUp}>
          <button type="button" className="quiet" onClick={drop}>
            Back
          </button>
        </AppSetUp>
      </Page>
    );
  return (
    <Page title="Set up a second step" narrow>
      <p>
        This service asks for a second step at each sign-in, so that a stolen password is not enough. Choose how you want
        to confirm.
      </p>
      <Messages {...messages} />
      {methods.includes("TOTP") && (
        <button type="button" aria-disabled={blocked} onClick={() => void run(async () => check(await begin()))}>
          Use an authenticator app
        </button>
      )}
      {methods.includes("PASSKEY") && (
        <AddPasskeyButton
          input={{ challengeToken: token }}
          sending={async (send) => {
            const payload = await send();
            check(payload.errors);
            return payload;
          }}
          onAdded={({ recoveryCodes }) => setUp(recoveryCodes)}
        >
          Use a passkey
        </AddPasskeyButton>
      )}
      <button type="button" className="quiet" onClick={onCancel}>
        Cancel
      </button>
    </Page>
  );
}

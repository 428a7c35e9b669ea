/** The steps between a first credential and the session. */
import type { Challenge, LinkChallenge } from "./challenges";
import { CheckMail } from "./pages/check-mail";
import { CompleteProfile } from "./pages/complete-profile";
import { LinkSignIn } from "./pages/link";
import { SecondStep } from "./pages/second-step";
import { SetUpSecondStep } from "./pages/set-up-second-step";

interface StepProps {
  challenge: Challenge;
  /** The link to make after the last step. */
  link: LinkChallenge | null;
  onCancel: () => void;
}

export default function Step({ challenge, link, onCancel }: StepProps) {
  switch (challenge.__typename) {
    case "LinkChallenge":
      return <LinkSignIn key={challenge.token} challenge={challenge} onCancel={onCancel} />;
    case "ProfileChallenge":
      return <CompleteProfile key={challenge.token} challenge={challenge} onCancel={onCancel} />;
    case "EmailVerificationChallenge":
      return <CheckMail key={challenge.token} challenge={challenge} link={link} onCancel={onCancel} />;
    case "MfaChallenge":
      return <SecondStep key={challenge.token} challenge={challenge} link={link} onCancel={onCancel} />;
    case "MfaEnrollmentChallenge":
      return <SetUpSecondStep key={challenge.token} challenge={challenge} link={link} onCancel={onCancel} />;
  }
}

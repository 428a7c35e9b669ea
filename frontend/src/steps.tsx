/** The steps between a first credential and the session. */
import type { Challenge } from "./challenges";
import { CheckMail } from "./pages/check-mail";
import { CompleteProfile } from "./pages/complete-profile";
import { LinkSignIn } from "./pages/link";

export default function Step({ challenge, onCancel }: { challenge: Challenge; onCancel: () => void }) {
  switch (challenge.__typename) {
    case "LinkChallenge":
      return <LinkSignIn key={challenge.token} challenge={challenge} onCancel={onCancel} />;
    case "ProfileChallenge":
      return <CompleteProfile key={challenge.token} challenge={challenge} onCancel={onCancel} />;
    case "EmailVerificationChallenge":
      return <CheckMail key={challenge.token} challenge={challenge} onCancel={onCancel} />;
  }
}

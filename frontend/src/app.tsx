import { Fragment, useCallback, useEffect, useRef, useState, type ComponentType } from "react";
import { SettleContext, SIGN_IN_LINK, useChallenges } from "./challenges";
import { Header } from "./header";
import { navigate, usePath } from "./navigation";
import { Account } from "./pages/account";
import { Callback } from "./pages/callback";
import { CheckMail } from "./pages/check-mail";
import { CompleteProfile } from "./pages/complete-profile";
import { ForgotPassword } from "./pages/forgot-password";
import { Handover } from "./pages/handover";
import { LinkSignIn } from "./pages/link";
import {
  CancelDeletion,
  ConfirmEmail,
  DisownRegistration,
  SecureAccount,
  UndoEmailChange,
} from "./pages/mailed-actions";
import { NotFound } from "./pages/not-found";
import { Register } from "./pages/register";
import { ResetPassword } from "./pages/reset-password";
import { SignIn } from "./pages/sign-in";
import { SignInCode } from "./pages/sign-in-code";
import { SignInLink } from "./pages/sign-in-link";
import { Users } from "./pages/users";
import { VerifyEmail } from "./pages/verify-email";
import { CALLBACK } from "./redirect";
import { usePerson, useSession } from "./use-session";

const SIGN_IN = "/sign-in";
const REGISTER = "/register";
const SIGN_IN_CODE = "/sign-in-code";
const SIGNED_OUT = [SIGN_IN, REGISTER, SIGN_IN_CODE];
/** The same pages for everybody: whoever opens a mailed link may be signed in, even to another account. */
const FOR_ALL: Record<string, ComponentType> = {
  "/forgot-password": ForgotPassword,
  "/reset-password": ResetPassword,
  "/verify-email": VerifyEmail,
  "/disown-registration": DisownRegistration,
  "/confirm-email": ConfirmEmail,
  "/undo-email-change": UndoEmailChange,
  "/secure-account": SecureAccount,
  "/cancel-deletion": CancelDeletion,
  [SIGN_IN_LINK]: SignInLink,
};
/** Show the sign-in page here when signed out. */
const PAGES = ["/", "/users", SIGN_IN];

export function App() {
  const path = usePath();
  const person = usePerson();
  const active = person !== null;
  const { farewell, leave } = useFarewell();
  const { challenge, notice, settle, drop, dismiss } = useChallenges();
  const hasAccount = active && SIGNED_OUT.includes(path);
  useEffect(() => {
    if (hasAccount) navigate("/", { replace: true });
  }, [hasAccount]);
  const onMe = path === "/" || hasAccount;
  useEffect(() => {
    if (active && !onMe) dismiss();
  }, [active, onMe, dismiss]);

  const ForAll = FOR_ALL[path];
  if (ForAll)
    return (
      <SettleContext value={settle}>
        <ForAll />
      </SettleContext>
    );
  if (!active)
    return (
      <SettleContext value={settle}>
        {challenge?.__typename === "LinkChallenge" ? (
          <LinkSignIn key={challenge.token} challenge={challenge} onCancel={drop} />
        ) : challenge?.__typename === "ProfileChallenge" ? (
          <CompleteProfile key={challenge.token} challenge={challenge} onCancel={drop} />
        ) : challenge?.__typename === "EmailVerificationChallenge" ? (
          <CheckMail key={challenge.token} challenge={challenge} onCancel={drop} />
        ) : path === CALLBACK ? (
          <Callback />
        ) : path === REGISTER ? (
          <Register />
        ) : path === SIGN_IN_CODE ? (
          <SignInCode />
        ) : PAGES.includes(path) ? (
          <SignIn farewell={farewell} />
        ) : (
          <NotFound />
        )}
      </SettleContext>
    );
  if (path === CALLBACK) return <Handover />;
  return (
    // The key discards the pages' state when the user changes.
    <Fragment key={person}>
      <Header />
      {onMe ? <Account notice={notice} onSignedOut={leave} /> : path === "/users" ? <Users /> : <NotFound />}
    </Fragment>
  );
}

/** The message for a user whose session has ended, in any tab or at the server. */
function useFarewell() {
  const session = useSession();
  const [farewell, setFarewell] = useState("");
  const reason = useRef("");
  useEffect(
    () =>
      session.subscribe(() => {
        setFarewell(session.isActive() ? "" : reason.current || "You are signed out.");
        reason.current = "";
      }),
    [session],
  );
  /** Ends the session that the server has ended already. */
  const leave = useCallback(
    async (text: string) => {
      reason.current = text;
      await session.end();
    },
    [session],
  );
  return { farewell, leave };
}

import { useEffect, useState } from "react";
import { SettleContext, useChallenges } from "./challenges";
import { Header } from "./header";
import { navigate, usePath } from "./navigation";
import { Callback } from "./pages/callback";
import { CompleteProfile } from "./pages/complete-profile";
import { LinkSignIn } from "./pages/link";
import { Me } from "./pages/me";
import { NotFound } from "./pages/not-found";
import { Register } from "./pages/register";
import { SignIn } from "./pages/sign-in";
import { Users } from "./pages/users";
import { CALLBACK } from "./redirect";
import { useIsActive, useSession } from "./use-session";

const SIGN_IN = "/sign-in";
const REGISTER = "/register";
const SIGNED_OUT = [SIGN_IN, REGISTER, CALLBACK];

export function App() {
  const path = usePath();
  const active = useIsActive();
  const ended = useHasEnded();
  const { challenge, notice, settle, drop, dismiss } = useChallenges();
  const hasAccount = active && SIGNED_OUT.includes(path);
  useEffect(() => {
    if (hasAccount) navigate("/", { replace: true });
  }, [hasAccount]);
  const onMe = path === "/" || hasAccount;
  useEffect(() => {
    if (active && !onMe) dismiss();
  }, [active, onMe, dismiss]);

  if (!active)
    return (
      <SettleContext value={settle}>
        {challenge?.__typename === "LinkChallenge" ? (
          <LinkSignIn key={challenge.token} challenge={challenge} onCancel={drop} />
        ) : challenge?.__typename === "ProfileChallenge" ? (
          <CompleteProfile key={challenge.token} challenge={challenge} onCancel={drop} />
        ) : path === CALLBACK ? (
          <Callback />
        ) : path === REGISTER ? (
          <Register />
        ) : (
          <SignIn ended={ended} />
        )}
      </SettleContext>
    );
  return (
    <>
      <Header />
      {onMe ? <Me notice={notice} /> : path === "/users" ? <Users /> : <NotFound />}
    </>
  );
}

/** Whether a session of this page is over, wherever that was decided. */
function useHasEnded(): boolean {
  const session = useSession();
  const [ended, setEnded] = useState(false);
  useEffect(() => session.subscribe(() => setEnded(!session.isActive())), [session]);
  return ended;
}

import { Fragment, useEffect, useState } from "react";
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
import { usePerson, useSession } from "./use-session";

const SIGN_IN = "/sign-in";
const REGISTER = "/register";
const SIGNED_OUT = [SIGN_IN, REGISTER, CALLBACK];
/** Show the sign-in page here when signed out. */
const PAGES = ["/", "/users", SIGN_IN];

export function App() {
  const path = usePath();
  const person = usePerson();
  const active = person !== null;
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
        ) : PAGES.includes(path) ? (
          <SignIn ended={ended} />
        ) : (
          <NotFound />
        )}
      </SettleContext>
    );
  return (
    // The key discards the pages' state when the user changes.
    <Fragment key={person}>
      <Header />
      {onMe ? <Me notice={notice} /> : path === "/users" ? <Users /> : <NotFound />}
    </Fragment>
  );
}

/** True after a session of this page has ended, in any tab or at the server. */
function useHasEnded(): boolean {
  const session = useSession();
  const [ended, setEnded] = useState(false);
  useEffect(() => session.subscribe(() => setEnded(!session.isActive())), [session]);
  return ended;
}

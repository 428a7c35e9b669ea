import { useEffect, useState } from "react";
import { Header } from "./header";
import { navigate, usePath } from "./navigation";
import { Me } from "./pages/me";
import { NotFound } from "./pages/not-found";
import { Register } from "./pages/register";
import { SignIn } from "./pages/sign-in";
import { Users } from "./pages/users";
import { useIsActive, useSession } from "./use-session";

const SIGN_IN = "/sign-in";
const REGISTER = "/register";

export function App() {
  const path = usePath();
  const active = useIsActive();
  const ended = useHasEnded();
  const hasAccount = active && (path === SIGN_IN || path === REGISTER);
  useEffect(() => {
    if (hasAccount) navigate("/", { replace: true });
  }, [hasAccount]);

  if (!active) return path === REGISTER ? <Register /> : <SignIn ended={ended} />;
  return (
    <>
      <Header />
      {path === "/users" ? <Users /> : path === "/" || hasAccount ? <Me /> : <NotFound />}
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

import { useCallback, useEffect, useRef, useState } from "react";
import { SettleContext, useChallenges } from "./challenges";
import { lazily } from "./lazily";
import { navigate, usePath } from "./navigation";
import { NotFound } from "./pages/not-found";
import { SignIn } from "./pages/sign-in";
import { CALLBACK } from "./redirect";
import { usePerson, useSession } from "./use-session";

const SIGN_IN = "/sign-in";
/** The same pages for everybody: whoever opens a mailed link may be signed in, even to another account. */
const FOR_ALL = [
  "/forgot-password",
  "/reset-password",
  "/verify-email",
  "/disown-registration",
  "/confirm-email",
  "/undo-email-change",
  "/secure-account",
  "/cancel-deletion",
  "/sign-in-link",
] as const;
const SIGNED_OUT = ["/register", "/sign-in-code"] as const;
/** Show the sign-in page here when signed out. */
const PAGES = ["/", "/users", SIGN_IN] as const;
export type VisitorPath = (typeof FOR_ALL | typeof SIGNED_OUT)[number] | typeof CALLBACK;
const isOneOf = <T extends string>(paths: readonly T[], path: string): path is T => paths.some((one) => one === path);
// What the first view of the sign-in page does not need.
const Visitor = lazily(() => import("./visitor"));
const Step = lazily(() => import("./steps"));
const SignedIn = lazily(() => import("./signed-in"));

export function App() {
  const path = usePath();
  const person = usePerson();
  const active = person !== null;
  const { farewell, leave } = useFarewell();
  const { challenge, asked, notice, settle, drop, dismiss } = useChallenges();
  const hasAccount = active && (path === SIGN_IN || isOneOf(SIGNED_OUT, path));
  useEffect(() => {
    if (hasAccount) navigate("/", { replace: true });
  }, [hasAccount]);
  const onMe = path === "/" || hasAccount;
  useEffect(() => {
    if (active && !onMe) dismiss();
  }, [active, onMe, dismiss]);

  if (isOneOf(FOR_ALL, path))
    return (
      <SettleContext value={settle}>
        <Visitor path={path} />
      </SettleContext>
    );
  if (!active)
    return (
      <SettleContext value={settle}>
        {challenge ? (
          <Step challenge={challenge} link={asked} onCancel={drop} />
        ) : path === CALLBACK || isOneOf(SIGNED_OUT, path) ? (
          <Visitor path={path} />
        ) : isOneOf(PAGES, path) ? (
          <SignIn farewell={farewell} />
        ) : (
          <NotFound />
        )}
      </SettleContext>
    );
  // The key discards the pages' state when the user changes.
  return <SignedIn key={person} path={onMe ? "/" : path} notice={notice} onSignedOut={leave} />;
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

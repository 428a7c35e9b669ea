/** The pages of a user who is signed in. */
import type { Notice } from "./challenges";
import { Header } from "./header";
import { Account } from "./pages/account";
import { Handover } from "./pages/handover";
import { NotFound } from "./pages/not-found";
import { Users } from "./pages/users";
import { CALLBACK } from "./redirect";

interface SignedInProps {
  path: string;
  notice: Notice | null;
  /** Ends the session that the server has ended, and says why. */
  onSignedOut: (text: string) => Promise<void>;
}

export default function SignedIn({ path, notice, onSignedOut }: SignedInProps) {
  if (path === CALLBACK) return <Handover />;
  return (
    <>
      <Header />
      {path === "/" ? (
        <Account notice={notice} onSignedOut={onSignedOut} />
      ) : path === "/users" ? (
        <Users />
      ) : (
        <NotFound />
      )}
    </>
  );
}

import { useState } from "react";
import { describe } from "./errors";
import { Link } from "./navigation";
import { Brand } from "./page";
import { useSession } from "./use-session";

export function Header() {
  const session = useSession();
  const [problem, setProblem] = useState("");
  async function signOut() {
    setProblem("");
    try {
      await session.end();
    } catch (error) {
      setProblem(`You are still signed in. ${describe(error)}`);
    }
  }
  return (
    <header>
      <div className="bar">
        <Brand />
        <nav aria-label="Main">
          <Link href="/">Account</Link>
          <Link href="/users">Users</Link>
        </nav>
        <button type="button" className="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
      <div role="alert">{problem && <p className="problem">{problem}</p>}</div>
    </header>
  );
}

import { useGraphiQL, useGraphiQLActions, type GraphiQLPlugin } from "@graphiql/react";
import { useState, type FormEvent } from "react";
import { useIsActive, useSession } from "../use-session";
import { EXAMPLES } from "./examples";
import { createFetcher } from "./fetcher";

const PAYLOAD = "tokens { accessToken expiresIn } account { id } challenge { __typename token } errors { message }";
const SIGN_IN = `mutation SignIn($input: TokenAuthInput!) { payload: tokenAuth(input: $input) { ${PAYLOAD} } }`;
const ANSWER = `mutation Answer($input: AnswerMfaChallengeInput!) {
  payload: answerMfaChallenge(input: $input) { ${PAYLOAD} }
}`;

function SignIn() {
  const session = useSession();
  const active = useIsActive();
  const [problem, setProblem] = useState("");
  /** The token of the MfaChallenge. */
  const [challenge, setChallenge] = useState("");

  /** Runs the work and shows its error. */
  async function attempt(work: () => Promise<string | undefined>) {
    setProblem("");
    setProblem((await work().catch(() => "The service cannot be reached.")) ?? "");
  }
  /** Sends a step of the sign-in. Returns its error. */
  async function send(query: string, input: object): Promise<string | undefined> {
    const { data, errors } = await createFetcher(session)({ query, variables: { input } });
    if (errors) return errors[0].message;
    const { tokens, account, challenge: next, errors: failures } = data.payload;
    if (tokens) session.start({ ...tokens, account: account.id });
    const asksForFactor = next?.__typename === "MfaChallenge";
    if (tokens || asksForFactor) setChallenge(asksForFactor ? next.token : "");
    return asksForFactor ? "" : failures[0]?.message;
  }
  function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.currentTarget));
    void attempt(() => send(SIGN_IN, { ...values, refreshTokenTransport: "COOKIE" }));
  }
  function answer(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget).get("code"));
    const factor = /^[\d\s]+$/.test(code) ? { totpCode: code } : { recoveryCode: code };
    void attempt(() => send(ANSWER, { challengeToken: challenge, factor }));
  }

  return (
    <div className="latchkey">
      <h2>{active ? "Signed in" : "Sign in"}</h2>
      <p>
        {active
          ? "Operations send your access token, unless the Headers pane sets Authorization."
          : "Operations will send your access token. It stays in memory."}
      </p>
      <div role="alert">{problem}</div>
      {active ? (
        <button
          type="button"
          className="graphiql-button"
          onClick={() => void attempt(() => session.end().then(() => ""))}
        >
          Sign out
        </button>
      ) : challenge ? (
        <form onSubmit={answer}>
          <label htmlFor="latchkey-code">Code of your app, or a recovery code</label>
          <input id="latchkey-code" name="code" autoComplete="one-time-code" spellCheck={false} autoFocus required />
          <button type="submit" className="graphiql-button">
            Sign in
          </button>
          <button type="button" className="graphiql-button" onClick={() => setChallenge("")}>
            Cancel
          </button>
        </form>
      ) : (
        <form onSubmit={signIn}>
          <label htmlFor="latchkey-email">E-mail</label>
          <input id="latchkey-email" name="email" type="email" autoComplete="username" required />
          <label htmlFor="latchkey-password">Password</label>
          <input
            id="latchkey-password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
          />
          <button type="submit" className="graphiql-button">
            Sign in
          </button>
        </form>
      )}
    </div>
  );
}

function Examples() {
  const { addTab } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  return (
    <div className="latchkey">
      <h2>Examples</h2>
      <p>Each opens in a new tab.</p>
      <ul>
        {EXAMPLES.map(({ title, query }) => (
          <li key={title}>
            <button
              type="button"
              className="graphiql-button"
              onClick={() => {
                addTab();
                queryEditor?.setValue(query);
              }}
            >
              {title}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

export const SIGN_IN_PANEL: GraphiQLPlugin = {
  title: "Sign in",
  content: SignIn,
  icon: () => (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <circle cx="8" cy="12" r="4.5" />
      <path d="M12.5 12H22v4M17.5 12v3" />
    </svg>
  ),
};

export const EXAMPLES_PANEL: GraphiQLPlugin = {
  title: "Examples",
  content: Examples,
  icon: () => (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d="M9 6h12M9 12h12M9 18h12M4 6h.01M4 12h.01M4 18h.01" />
    </svg>
  ),
};

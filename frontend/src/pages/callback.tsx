import { useMutation } from "@apollo/client/react";
import { useEffect, useRef, useState } from "react";
import { SignInWithProviderDocument } from "../__generated__/graphql";
import { useSettle } from "../challenges";
import { Refused } from "../errors";
import { Link, navigate } from "../navigation";
import { Messages, useOutcome } from "../outcome";
import { Page } from "../page";
import { CALLBACK, take } from "../redirect";

/** The page to which a provider redirects. */
export function Callback() {
  const settle = useSettle();
  const [convert] = useMutation(SignInWithProviderDocument, { fetchPolicy: "no-cache" });
  const [ended, setEnded] = useState(false);
  const { run, messages } = useOutcome();
  const begun = useRef(false);

  /** Finishes the sign-in. Resolves to its failures, or null. */
  async function finish() {
    const answer = new URLSearchParams(window.location.search);
    const redirect = take();
    navigate(CALLBACK, { replace: true }); // keeps the code out of the history
    if (!redirect) throw new Refused("This sign-in did not start in this tab, or has ended. Start again.");
    const { provider, label, flow, link } = redirect;
    const [code, state] = [answer.get("code"), answer.get("state")];
    // Never show the description from the URL: anybody can craft such a URL.
    if (answer.get("error") === "access_denied")
      throw new Refused(`Sign-in with ${label} was cancelled or denied.`);
    if (!code || !state) throw new Refused(`Sign-in with ${label} failed. Try again.`);
    const input = {
      provider,
      credential: { code: { code, state, flow } },
      refreshTokenTransport: "COOKIE" as const,
    };
    const outcome = (await convert({ variables: { input } })).data!.convertSocialToken;
    return (await settle(outcome, link)) ? null : outcome.errors;
  }

  useEffect(() => {
    // A code works once, and React may run effects twice.
    if (begun.current) return;
    begun.current = true;
    void run(finish).then(() => setEnded(true));
  });

  return (
    <Page title="Sign in" narrow>
      <Messages {...messages} />
      {ended ? (
        <p className="aside">
          <Link href="/sign-in">Back to sign in</Link>
        </p>
      ) : (
        <p role="status" className="hint">
          One moment …
        </p>
      )}
    </Page>
  );
}

/** From the outcome of a sign-in to what comes next: the session, a question, or neither. */
import { useApolloClient } from "@apollo/client/react";
import { createContext, use, useCallback, useEffect, useState } from "react";
import { LinkDocument, type SignedInFragment } from "./__generated__/graphql";
import { describe } from "./errors";
import { navigate } from "./navigation";
import { useSession } from "./use-session";

export type Challenge = NonNullable<SignedInFragment["challenge"]>;
export type LinkChallenge = Extract<Challenge, { __typename: "LinkChallenge" }>;
export type ProfileChallenge = Extract<Challenge, { __typename: "ProfileChallenge" }>;

/** Whether it goes on by itself. Else the errors are to be shown. */
type Settle = (outcome: SignedInFragment, link?: LinkChallenge | null) => Promise<boolean>;
export const SettleContext = createContext<Settle | null>(null);

export function useSettle(): Settle {
  const settle = use(SettleContext);
  if (!settle) throw new Error("There is no SettleContext.");
  return settle;
}

export interface Notice {
  text: string;
  isProblem: boolean;
}

export function useChallenges() {
  const client = useApolloClient();
  const session = useSession();
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const [notice, setNotice] = useState<Notice | null>(null);
  const drop = useCallback(() => setChallenge(null), []);
  const dismiss = useCallback(() => setNotice(null), []);
  // In whichever tab somebody signs in or out.
  useEffect(
    () => session.subscribe(() => (session.isActive() ? drop() : dismiss())),
    [session, drop, dismiss],
  );

  /** Before the session begins: what is shown then has the link in it. */
  async function link({ token }: LinkChallenge, accessToken: string): Promise<Notice> {
    try {
      const { data } = await client.mutate({
        mutation: LinkDocument,
        variables: { input: { source: { challengeToken: token } } },
        context: { headers: { authorization: `Bearer ${accessToken}` } },
        fetchPolicy: "no-cache",
      });
      const { socialAccount, errors } = data!.linkSocialAccount;
      if (socialAccount)
        return { text: `${socialAccount.label} is linked to your account.`, isProblem: false };
      return {
        text: `Nothing was linked. ${errors.map(({ message }) => message).join(" ")}`,
        isProblem: true,
      };
    } catch (error) {
      return { text: `Nothing was linked. ${describe(error)}`, isProblem: true };
    }
  }

  const settle: Settle = async ({ tokens, challenge: next }, asked = null) => {
    if (tokens) {
      if (asked) setNotice(await link(asked, tokens.accessToken));
      session.start(tokens);
      return true;
    }
    switch (next?.__typename) {
      case "LinkChallenge":
      case "ProfileChallenge":
        navigate("/sign-in", { replace: true });
        setChallenge(next);
        return true;
      default: // of a kind that this front end does not know
        return false;
    }
  };

  return { challenge, notice, settle, drop, dismiss };
}

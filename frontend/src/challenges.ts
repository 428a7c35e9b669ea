/** Handles the outcome of a sign-in: starts the session, shows a challenge, or leaves the errors to the caller. */
import { useApolloClient } from "@apollo/client/react";
import { createContext, use, useCallback, useEffect, useState } from "react";
import { LinkDocument, type SignedInFragment } from "./__generated__/graphql";
import { BASE } from "./base";
import { describe } from "./errors";
import { discard, keep, recall } from "./kept";
import { navigate } from "./navigation";
import { CALLBACK } from "./redirect";
import { discardRegistration, keepRegistration, keptRegistration, useRegistration } from "./registration";
import { useSession } from "./use-session";

export type Challenge = NonNullable<SignedInFragment["challenge"]>;
export type LinkChallenge = Extract<Challenge, { __typename: "LinkChallenge" }>;
export type EmailVerificationChallenge = Extract<Challenge, { __typename: "EmailVerificationChallenge" }>;
export type ProfileChallenge = Extract<Challenge, { __typename: "ProfileChallenge" }>;
export type MfaChallenge = Extract<Challenge, { __typename: "MfaChallenge" }>;
export type MfaEnrollmentChallenge = Extract<Challenge, { __typename: "MfaEnrollmentChallenge" }> & {
  /** A factor is set up, but the sign-in is not finished. */
  isSetUp?: boolean;
};

export const SIGN_IN_LINK = "/sign-in-link";
/** The step that waits for a second factor: a phone that shows its authenticator app may reload this page. */
const SECOND_STEP = "second-step";

/** Remembers over a reload that a factor is set up with this challenge: it cannot be set up twice. */
export const keepSetUp = (challenge: MfaEnrollmentChallenge): void =>
  keep<MfaEnrollmentChallenge>(SECOND_STEP, { ...challenge, isSetUp: true }, challenge.expiresIn);

/** Resolves to true if the outcome is handled, and to false if the caller has to show its errors. */
type Settle = (outcome: SignedInFragment, link?: LinkChallenge | null) => Promise<boolean>;
export const SettleContext = createContext<Settle | null>(null);

export function useSettle(): Settle {
  const settle = use(SettleContext);
  if (!settle) throw new Error("SettleContext is missing.");
  return settle;
}

export interface Notice {
  text: string;
  isProblem: boolean;
}

export function useChallenges() {
  const client = useApolloClient();
  const session = useSession();
  const [challenge, setChallenge] = useState<Challenge | null>(
    () => recall<MfaChallenge | MfaEnrollmentChallenge>(SECOND_STEP) ?? keptRegistration(),
  );
  /** The link to make when the steps are done. */
  const [asked, setAsked] = useState<LinkChallenge | null>(null);
  const [notice, setNotice] = useState<Notice | null>(null);
  const drop = useCallback(() => {
    discardRegistration();
    discard(SECOND_STEP);
    setChallenge(null);
    setAsked(null);
  }, []);
  useRegistration(challenge?.__typename === "EmailVerificationChallenge" ? challenge : null, drop);
  const dismiss = useCallback(() => setNotice(null), []);
  // A sign-in or sign-out in any tab.
  useEffect(() => session.subscribe(() => (drop(), dismiss())), [session, drop, dismiss]);

  /** Links before the session starts, so that the first page already shows the link. */
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
        text: `Linking failed. ${errors.map(({ message }) => message).join(" ")}`,
        isProblem: true,
      };
    } catch (error) {
      return { text: `Linking failed. ${describe(error)}`, isProblem: true };
    }
  }

  const settle: Settle = async ({ tokens, account, challenge: next }, toLink = null) => {
    if (tokens) {
      const notice = toLink && (await link(toLink, tokens.accessToken));
      // For a user who is signed in, these pages are something else.
      if ([CALLBACK, SIGN_IN_LINK].includes(window.location.pathname.slice(BASE.length)))
        navigate("/", { replace: true });
      session.start({ ...tokens, account: account!.id });
      setNotice(notice);
      return true;
    }
    switch (next?.__typename) {
      case "EmailVerificationChallenge":
      case "LinkChallenge":
      case "ProfileChallenge":
      case "MfaChallenge":
      case "MfaEnrollmentChallenge":
        // Of a sign-in's steps only the last one counts.
        drop();
        if (next.__typename === "EmailVerificationChallenge") keepRegistration(next);
        if (next.__typename === "MfaChallenge" || next.__typename === "MfaEnrollmentChallenge")
          keep(SECOND_STEP, next, next.expiresIn);
        navigate("/sign-in", { replace: true });
        setChallenge(next);
        setAsked(toLink);
        return true;
      default: // no challenge, or an unknown kind
        return false;
    }
  };

  return { challenge, asked, notice, settle, drop, dismiss };
}

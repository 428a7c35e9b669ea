import { useMutation, useQuery } from "@apollo/client/react";
import { AuthConfigDocument, RequestSignInCodeDocument, SignInWithCodeDocument } from "../__generated__/graphql";
import type { LinkChallenge } from "../challenges";
import { wrongCodeAtField } from "../errors";
import { CodeField, SignInForm } from "../form";
import { MailedCodePage, useMailedCode, type Mailed } from "../mailed-code";
import { Link } from "../navigation";
import { Page } from "../page";

const aside = (
  <p className="aside">
    <Link href="/sign-in">Sign in with a password</Link>
  </p>
);

/** Mails a link and a code for signing in, and takes the code. */
export function SignInCode() {
  const { data } = useQuery(AuthConfigDocument);
  const code = useSignInCode();
  const isOff = data && !data.authConfig.signInMethods.includes("EMAIL_CODE");
  if (isOff)
    return (
      <Page title="Sign in by mail" narrow>
        <p>This service does not sign in by mail.</p>
        {aside}
      </Page>
    );
  return (
    <MailedCodePage
      title="Sign in by mail"
      explanation="We mail you a link and a code with which you can sign in without a password."
      code={code}
      aside={aside}
    >
      {(mailed) => <CodeForm mailed={mailed} onSignedIn={code.forget} />}
    </MailedCodePage>
  );
}

export function useSignInCode() {
  const [request] = useMutation(RequestSignInCodeDocument, { fetchPolicy: "no-cache" });
  return useMailedCode(
    "sign-in-code",
    async (email) => (await request({ variables: { input: { email } } })).data!.requestLoginCode,
  );
}

export function CodeForm({
  mailed: { token },
  link = null,
  onSignedIn,
}: {
  mailed: Mailed;
  link?: LinkChallenge | null;
  onSignedIn: () => void;
}) {
  const [signIn] = useMutation(SignInWithCodeDocument, { fetchPolicy: "no-cache" });
  return (
    <SignInForm
      label={link ? "Sign in and link" : "Sign in"}
      fields={["code"]}
      link={link}
      submit={async ({ code = "" }) => {
        const input = {
          credential: { code: { challengeToken: token, code } },
          refreshTokenTransport: "COOKIE" as const,
        };
        const outcome = (await signIn({ variables: { input } })).data!.tokenAuthWithCode;
        if (outcome.tokens) onSignedIn();
        return { ...outcome, errors: outcome.errors.map(wrongCodeAtField) as typeof outcome.errors };
      }}
    >
      <CodeField />
    </SignInForm>
  );
}

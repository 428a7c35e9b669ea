import { useMutation, useQuery } from "@apollo/client/react";
import { useEffect, useMemo, useState } from "react";
import {
  AuthConfigDocument,
  BeginRedirectDocument,
  SignInWithProviderDocument,
} from "./__generated__/graphql";
import { useSettle, type LinkChallenge } from "./challenges";
import { describe } from "./errors";
import { Alert } from "./form";
import { accessToken, hasSdk, isUsable, load, type Provider } from "./providers";
import { keep, redirectUri } from "./redirect";

/** A button for each provider. With `link`, for each provider other than the one to link. */
export function ProviderButtons({ link = null }: { link?: LinkChallenge | null }) {
  const settle = useSettle();
  // If this fails, the e-mail form still works.
  const { data } = useQuery(AuthConfigDocument);
  const [convert] = useMutation(SignInWithProviderDocument, { fetchPolicy: "no-cache" });
  const [begin] = useMutation(BeginRedirectDocument, { fetchPolicy: "no-cache" });
  const [problem, setProblem] = useState("");
  const providers = useMemo(
    () => data?.authConfig.socialProviders.filter((p) => isUsable(p) && p.name !== link?.provider) ?? [],
    [data, link],
  );

  useEffect(() => {
    // A failure here shows when the user clicks the button.
    for (const provider of providers.filter(hasSdk)) load(provider).catch(() => {});
  }, [providers]);

  async function redirect(provider: Provider) {
    const input = { provider: provider.name, redirectUri: redirectUri() };
    const { authorization, errors } = (await begin({ variables: { input } })).data!.createSocialAuthUrl;
    if (!authorization) return setProblem(errors.map(({ message }) => message).join(" "));
    keep({ provider: provider.name, label: provider.label, flow: authorization.flow, link });
    window.location.assign(authorization.url);
  }

  async function ask(provider: Provider) {
    let token: string | null;
    try {
      token = await accessToken(provider);
    } catch {
      return setProblem(
        `${provider.label} did not load. A content blocker may have stopped it.`,
      );
    }
    if (!token) return;
    const input = {
      provider: provider.name,
      credential: { accessToken: token },
      refreshTokenTransport: "COOKIE" as const,
    };
    const outcome = (await convert({ variables: { input } })).data!.convertSocialToken;
    if (!(await settle(outcome, link))) setProblem(outcome.errors.map(({ message }) => message).join(" "));
  }

  async function signIn(provider: Provider) {
    setProblem("");
    try {
      await (hasSdk(provider) ? ask(provider) : redirect(provider));
    } catch (error) {
      setProblem(describe(error));
    }
  }

  if (providers.length === 0) return null;
  return (
    <section aria-label="Other ways to sign in" className="providers">
      {(!link || link.signInMethods.includes("PASSWORD")) && <p className="divider">or</p>}
      <Alert>{problem}</Alert>
      {providers.map((provider) => (
        <button key={provider.name} type="button" className="secondary" onClick={() => void signIn(provider)}>
          Continue with {provider.label}
        </button>
      ))}
    </section>
  );
}

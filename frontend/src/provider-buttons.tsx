import { useMutation, useQuery } from "@apollo/client/react";
import { useEffect, useMemo } from "react";
import {
  AuthConfigDocument,
  BeginRedirectDocument,
  SignInWithProviderDocument,
} from "./__generated__/graphql";
import { useSettle, type LinkChallenge } from "./challenges";
import { Messages, useOutcome } from "./outcome";
import { hasSdk, isUsable, preload, sdkToken, type Provider } from "./providers";
import { keep, redirectUri } from "./redirect";

/** A button for each provider. With `link`, for each provider other than the one to link. */
export function ProviderButtons({ link = null }: { link?: LinkChallenge | null }) {
  const settle = useSettle();
  // If this fails, the e-mail form still works.
  const { data } = useQuery(AuthConfigDocument);
  const [convert] = useMutation(SignInWithProviderDocument, { fetchPolicy: "no-cache" });
  const [begin] = useMutation(BeginRedirectDocument, { fetchPolicy: "no-cache" });
  const { blocked, ask, run, messages } = useOutcome();
  const providers = useMemo(
    () => data?.authConfig.socialProviders.filter((p) => isUsable(p) && p.name !== link?.provider) ?? [],
    [data, link],
  );

  useEffect(() => preload(providers), [providers]);

  async function redirect(provider: Provider) {
    const input = { provider: provider.name, redirectUri: redirectUri() };
    const { authorization, errors } = (await begin({ variables: { input } })).data!.createSocialAuthUrl;
    if (!authorization) return errors;
    keep({ provider: provider.name, label: provider.label, flow: authorization.flow, link });
    window.location.assign(authorization.url);
    return null;
  }

  async function withSdk(provider: Provider) {
    const accessToken = await ask(() => sdkToken(provider));
    if (!accessToken) return;
    const input = {
      provider: provider.name,
      credential: { accessToken },
      refreshTokenTransport: "COOKIE" as const,
    };
    await run(async () => {
      const outcome = (await convert({ variables: { input } })).data!.convertSocialToken;
      return (await settle(outcome, link)) ? null : outcome.errors;
    });
  }

  if (providers.length === 0) return null;
  return (
    <section aria-label="Other ways to sign in" className="providers">
      {(!link || link.signInMethods.includes("PASSWORD")) && <p className="divider">or</p>}
      <Messages {...messages} />
      {providers.map((provider) => (
        <button
          key={provider.name}
          type="button"
          className="secondary"
          aria-disabled={blocked}
          onClick={() => void (hasSdk(provider) ? withSdk(provider) : run(() => redirect(provider)))}
        >
          Continue with {provider.label}
        </button>
      ))}
    </section>
  );
}

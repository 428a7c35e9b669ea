/** A fresh credential of a provider, for a user who is signed in. */
import { useMutation } from "@apollo/client/react";
import { useEffect, useRef } from "react";
import { BeginRedirectDocument, type ProviderCredentialInput, type SocialPrompt } from "./__generated__/graphql";
import { Refused } from "./errors";
import { answerFor } from "./handover";
import { hasSdk, sdkToken, type Provider } from "./providers";
import { redirectUri, take } from "./redirect";

/** Asks the provider, in a window of its own, so that this page keeps what the user is doing. Call it during a click.
 *  Returns null if the user refuses or asks again, and never if they close the window. Throws Refused. */
export function useCredential() {
  const [begin] = useMutation(BeginRedirectDocument, { fetchPolicy: "no-cache" });
  const asking = useRef<AbortController>(null);
  useEffect(() => () => asking.current?.abort(), []);

  return async (provider: Provider, prompt: SocialPrompt): Promise<ProviderCredentialInput | null> => {
    asking.current?.abort();
    const { signal } = (asking.current = new AbortController());
    // To confirm who one is takes a code: an access token may be old.
    if (prompt !== "LOGIN" && hasSdk(provider)) {
      const accessToken = await sdkToken(provider);
      return accessToken && !signal.aborted ? { provider: provider.name, credential: { accessToken } } : null;
    }
    take(); // A window starts with a copy of this tab's storage: without a sign-in that was not finished.
    // Browsers open windows only during a click, so before the request.
    const opened = window.open("", "_blank", "popup,width=520,height=720");
    if (!opened)
      throw new Refused("The browser blocked the window. Allow pop-ups for this page, then try again.");
    try {
      const input = { provider: provider.name, redirectUri: redirectUri(), prompt };
      const { authorization, errors } = (await begin({ variables: { input } })).data!.createSocialAuthUrl;
      if (!authorization) throw new Refused(errors);
      const { url, flow } = authorization;
      const state = new URL(url).searchParams.get("state") ?? "";
      const answered = answerFor(state, signal);
      opened.location.replace(url);
      const code = await answered;
      return code === null ? null : { provider: provider.name, credential: { code: { code, state, flow } } };
    } catch (error) {
      opened.close();
      throw error;
    }
  };
}

/** Google and Facebook through their own SDKs, loaded from them: each gives an access token for our client id. */
import type { ApolloClient, TypedDocumentNode } from "@apollo/client";
import * as documents from "./__generated__/graphql";

export interface Provider {
  /** What the API calls it. */
  name: string;
  label: string;
  clientIds: string[];
}
interface AuthConfig {
  socialProviders: Provider[];
}

// Generated once the schema has `authConfig`; until then public/config.json tells the same.
const { AuthConfigDocument } = documents as {
  AuthConfigDocument?: TypedDocumentNode<{ authConfig: AuthConfig }, Record<string, never>>;
};

/** The providers to draw buttons for. */
export async function socialProviders(client: ApolloClient): Promise<Provider[]> {
  const { socialProviders } = AuthConfigDocument
    ? (await client.query({ query: AuthConfigDocument })).data!.authConfig
    : ((await (await fetch(`${import.meta.env.BASE_URL}config.json`)).json()) as AuthConfig);
  return socialProviders.filter(({ name, clientIds }) => name in SDKS && clientIds.length > 0);
}

interface Sdk {
  src: string;
  /** The provider's access token; null when the person has changed their mind. */
  accessToken(clientId: string): Promise<string | null>;
}

/** What we use of https://developers.google.com/identity/oauth2/web/reference/js-reference. */
declare const google: {
  accounts: {
    oauth2: {
      initTokenClient(config: {
        client_id: string;
        scope: string;
        callback(response: { access_token?: string; error?: string }): void;
        error_callback(error: { type: "popup_failed_to_open" | "popup_closed" | "unknown" }): void;
      }): { requestAccessToken(): void };
    };
  };
};

/** What we use of https://developers.facebook.com/docs/javascript/reference/FB.login. */
declare const FB: {
  init(config: { appId: string; version: string }): void;
  login(
    callback: (response: { authResponse?: { accessToken: string } | null }) => void,
    options: { scope: string },
  ): void;
};

const SDKS: Record<string, Sdk> = {
  "google-oauth2": {
    src: "https://accounts.google.com/gsi/client",
    accessToken: (clientId) =>
      new Promise((resolve, reject) => {
        google.accounts.oauth2
          .initTokenClient({
            client_id: clientId,
            scope: "openid email profile",
            callback: ({ access_token }) => resolve(access_token ?? null),
            error_callback: ({ type }) => (type === "popup_closed" ? resolve(null) : reject(new Error(type))),
          })
          .requestAccessToken();
      }),
  },
  facebook: {
    src: "https://connect.facebook.net/en_US/sdk.js",
    accessToken: (clientId) =>
      new Promise((resolve) => {
        FB.init({ appId: clientId, version: "v24.0" });
        FB.login(({ authResponse }) => resolve(authResponse?.accessToken ?? null), {
          scope: "public_profile,email",
        });
      }),
  },
};

const loading = new Map<string, Promise<void>>();

/** Loads a provider's SDK. Before the click: browsers open a pop-up only in answer to one. */
export function load({ name }: Provider): Promise<void> {
  const known = loading.get(name);
  if (known) return known;
  const loaded = new Promise<void>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SDKS[name]!.src;
    script.onload = () => resolve();
    script.onerror = () => {
      loading.delete(name);
      script.remove();
      reject(new Error(`${script.src} could not be loaded.`));
    };
    document.head.append(script);
  });
  loading.set(name, loaded);
  return loaded;
}

/** Asks the person at the provider. Null when they have changed their mind. */
export async function accessToken(provider: Provider): Promise<string | null> {
  await load(provider);
  return SDKS[provider.name]!.accessToken(provider.clientIds[0]!);
}

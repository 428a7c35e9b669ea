/** Google and Facebook, through their own SDKs: each returns an access token for our client id. */
import type { OffersFragment } from "./__generated__/graphql";
import { Refused } from "./errors";

export type Provider = OffersFragment["socialProviders"][number];

interface Sdk {
  src: string;
  /** Returns the provider's access token, or null if the user cancels. */
  accessToken(clientId: string, scopes: string[]): Promise<string | null>;
}

/** The parts we use of https://developers.google.com/identity/oauth2/web/reference/js-reference. */
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

/** The parts we use of https://developers.facebook.com/docs/javascript/reference/FB.login. */
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
    accessToken: (clientId, scopes) =>
      new Promise((resolve, reject) => {
        google.accounts.oauth2
          .initTokenClient({
            client_id: clientId,
            scope: scopes.join(" "),
            callback: ({ access_token }) => resolve(access_token ?? null),
            error_callback: ({ type }) => (type === "popup_closed" ? resolve(null) : reject(new Error(type))),
          })
          .requestAccessToken();
      }),
  },
  facebook: {
    src: "https://connect.facebook.net/en_US/sdk.js",
    accessToken: (clientId, scopes) =>
      new Promise((resolve) => {
        FB.init({ appId: clientId, version: "v24.0" });
        FB.login(({ authResponse }) => resolve(authResponse?.accessToken ?? null), {
          scope: scopes.join(","),
        });
      }),
  },
};

export const hasSdk = ({ name, clientIds }: Provider) => name in SDKS && clientIds.length > 0;
// Apple sends the code back by POST, which a page cannot read.
export const canRedirect = ({ name, credentials }: Provider) => credentials.includes("CODE") && name !== "apple-id";
/** True if this front end can sign in with the provider. */
export const isUsable = (provider: Provider) => hasSdk(provider) || canRedirect(provider);

const loading = new Map<string, Promise<void>>();

/** Loads a provider's SDK. Call it before the click, because browsers open pop-ups only during one. */
function load({ name }: Provider): Promise<void> {
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

/** Asks the user at the provider. Returns null if the user cancels. Throws Refused if the SDK does not work. */
export async function sdkToken(provider: Provider): Promise<string | null> {
  try {
    await load(provider);
    return await SDKS[provider.name]!.accessToken(provider.clientIds[0]!, provider.scopes);
  } catch {
    throw new Refused(`${provider.label} did not load. A content blocker may have stopped it.`);
  }
}

/** Loads the SDKs of the providers that have one. A failure shows when the user clicks the button. */
export function preload(providers: Provider[]): void {
  for (const provider of providers.filter(hasSdk)) load(provider).catch(() => {});
}

/** A session with Latchkey. Copy this file unchanged; docs/clients.md shows its use with each client.
 *
 *  The access token stays in memory. The refresh token is in an HttpOnly cookie that scripts cannot read. The storage
 *  holds a marker, the signed-in account's id, which is not secret: it shows that a refresh is worthwhile. */
export interface Tokens {
  accessToken: string;
  expiresIn: number;
  /** The account's `id`. Reveals a refresh that returns another user's tokens. */
  account?: string;
}
export interface Transport {
  /** Returns the next tokens, or null if the session has ended. Rejects if it cannot find out. */
  refresh(): Promise<Tokens | null>;
  /** Ends the session at the server. */
  revoke(): Promise<unknown>;
}
export type Session = ReturnType<typeof createSession>;
type Access = { token: string; expiresAt: number; person: string };
type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;
const PEERS_ANSWER_WITHIN = 50; // ms
const SERVER_ANSWERS_WITHIN = 15_000; // ms; the other tabs wait too
/** Prefix of the marker after a sign-in without an `account`. */
const UNKNOWN = "?";

/** Creates the page's session. All tabs of an origin share the session of this name. */
export function createSession(transport: Transport, name = "session", store: Store = localStorage) {
  let access: Access | null = null;
  let person = store.getItem(name);
  let renewing: Promise<Access | null> | null = null;
  let heard = () => {};
  /** The access tokens that this page has used for the current user. */
  const issued = new Set<string>();
  const listeners = new Set<() => void>();
  const tabs = globalThis.BroadcastChannel && new BroadcastChannel(name);
  tabs?.addEventListener("message", ({ data }: MessageEvent<Access | null | "ask">) => {
    if (data !== "ask") return void (adopt(data), heard());
    if (usable()) tabs.postMessage(access);
  });
  const usable = () => (access && access.expiresAt > Date.now() ? access.token : null);
  const locked = <T>(work: () => Promise<T>) =>
    globalThis.navigator?.locks ? (navigator.locks.request(name, work) as Promise<T>) : work();
  function adopt(next: Access | null) {
    const before = person;
    access = next;
    person = next && next.person;
    if (person !== before) issued.clear();
    if (next) issued.add(next.token);
    if (person !== before) listeners.forEach((listener) => listener());
  }
  function become(tokens: Tokens | null, who: string) {
    if (tokens) store.setItem(name, who);
    else store.removeItem(name);
    adopt(
      tokens && {
        token: tokens.accessToken,
        expiresAt: Date.now() + tokens.expiresIn * 1000,
        person: who,
      },
    );
    tabs?.postMessage(access);
  }
  /** Call with the lock held. A refresh revokes the other tabs' token, so a newer token of theirs is used instead. */
  async function next(refused: string | null) {
    const asking = person;
    const settled = () => person !== asking || !person || (usable() && usable() !== refused);
    if (tabs && !settled()) {
      tabs.postMessage("ask");
      await new Promise<void>((resolve) => setTimeout((heard = resolve), PEERS_ANSWER_WITHIN));
    }
    const tokens = settled() ? null : await transport.refresh();
    // If another user has signed in meanwhile, these tokens are stale.
    if (!settled()) become(tokens, asking!.startsWith(UNKNOWN) ? asking! : (tokens?.account ?? asking!));
    return usable() ? access : null;
  }
  const session = {
    /** True if a user is signed in, as far as this page knows without a request. */
    isActive: () => person !== null,
    /** A string that identifies the signed-in user, or null. Data that was read belongs to this user only. */
    person: () => person,
    /** The access token, if it has not expired. */
    current: usable,
    /** The access token to send, refreshed if necessary. Null when signed out. */
    token: async () => usable() ?? (person ? session.renew(null) : null),
    /** Call after a 401: returns the token for the retry, with one refresh at a time. Null if the session has ended or
     *  the user has changed: a request of one user is never sent with another user's token. */
    async renew(refused: string | null) {
      const asking = person;
      if (refused && !issued.has(refused)) return null;
      const renewed = await (renewing ??= locked(() => next(refused)).finally(() => (renewing = null)));
      return renewed && renewed.person === asking ? renewed.token : null;
    },
    /** Starts the session with the tokens and account `id` from `register`, `tokenAuth` or `convertSocialToken`. */
    start: (tokens: Tokens) => become(tokens, tokens.account ?? UNKNOWN + Math.random()),
    /** Signs out, in all tabs. Rejects, and stays signed in, if the server is unreachable. */
    end: () => locked(() => transport.revoke().then(() => become(null, ""))),
    /** Calls the listener when `person` changes, in any tab. Discard the previous user's data then. */
    subscribe: (listener: () => void) => (listeners.add(listener), () => void listeners.delete(listener)),
  };
  return session;
}

/** The COOKIE transport, for a sign-in with `refreshTokenTransport: COOKIE`. */
export function cookieTransport(url: string): Transport {
  async function mutate(mutation: string) {
    const response = await fetch(url, {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json", "X-Requested-With": "session" },
      body: JSON.stringify({ query: `mutation { payload: ${mutation} }` }),
      signal: AbortSignal.timeout(SERVER_ANSWERS_WITHIN),
    });
    const { data, errors } = await response.json();
    const [failure] = errors ?? data.payload.errors;
    if (failure && failure.code !== "INVALID_GRANT") throw new Error(failure.message);
    return data.payload;
  }
  return {
    async refresh() {
      const payload = "tokens { accessToken expiresIn } account { id } errors { code message }";
      const { tokens, account } = await mutate(`refreshToken { ${payload} }`);
      return tokens && { ...tokens, account: account.id };
    },
    revoke: () => mutate("revokeToken { errors { code message } }"),
  };
}

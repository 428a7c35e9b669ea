/** A session with Latchkey. Lift this file out as it is; docs/clients.md shows its use with each client.
 *
 *  The access token is in memory alone; the refresh token is in an HttpOnly cookie that no script can read. Stored is a
 *  mark without a secret: that there was a session, so that its next token is worth asking for. */
export interface Tokens {
  accessToken: string;
  expiresIn: number;
}
export interface Transport {
  /** The next tokens; null when the session is over. Rejects when that could not be found out. */
  refresh(): Promise<Tokens | null>;
  /** End the session at the server. */
  revoke(): Promise<unknown>;
}
export type Session = ReturnType<typeof createSession>;
type Access = { token: string; expiresAt: number };
type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;
const PEERS_ANSWER_WITHIN = 50; // ms
const SERVER_ANSWERS_WITHIN = 15_000; // ms: the other tabs wait too

/** One per page. The tabs of an origin share the session of that name. */
export function createSession(transport: Transport, name = "session", store: Store = localStorage) {
  let access: Access | null = null;
  let active = store.getItem(name) !== null;
  let renewing: Promise<string | null> | null = null;
  let heard = () => {};
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
    access = next;
    if (active === !!next) return;
    active = !!next;
    listeners.forEach((listener) => listener());
  }
  function become(tokens: Tokens | null) {
    if (tokens) store.setItem(name, "1");
    else store.removeItem(name);
    adopt(tokens && { token: tokens.accessToken, expiresAt: Date.now() + tokens.expiresIn * 1000 });
    tabs?.postMessage(access);
  }
  /** With the lock held. A refresh ends the token that other tabs are using, so theirs is taken if it is a newer one. */
  async function next(refused: string | null) {
    const settled = () => !active || (usable() && usable() !== refused);
    if (tabs && !settled()) {
      tabs.postMessage("ask");
      await new Promise<void>((resolve) => setTimeout((heard = resolve), PEERS_ANSWER_WITHIN));
    }
    if (!settled()) become(await transport.refresh());
    return usable();
  }
  const session = {
    /** Whether somebody is signed in, as far as this page knows without asking. */
    isActive: () => active,
    /** The access token, if there is one that can be used. */
    current: usable,
    /** The access token to send, refreshed first if need be. Null when signed out. */
    token: async () => usable() ?? (active ? session.renew(null) : null),
    /** After a 401: the token to send the request again with. Null when the session is over. Single flight. */
    renew: (refused: string | null) =>
      (renewing ??= locked(() => next(refused)).finally(() => (renewing = null))),
    /** Signed in: what `register`, `tokenAuth` or `convertSocialToken` gave. */
    start: (tokens: Tokens) => become(tokens),
    /** Sign out, in all tabs. Rejects, and stays signed in, when the server could not be told. */
    end: () => locked(() => transport.revoke().then(() => become(null))),
    /** Called when `isActive` changes, in whichever tab that was. */
    subscribe: (listener: () => void) => (listeners.add(listener), () => void listeners.delete(listener)),
  };
  return session;
}

/** The COOKIE transport: for those who sign in with `refreshTokenTransport: COOKIE`. */
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
    refresh: async () =>
      (await mutate("refreshToken { tokens { accessToken expiresIn } errors { code message } }")).tokens,
    revoke: () => mutate("revokeToken { errors { code message } }"),
  };
}

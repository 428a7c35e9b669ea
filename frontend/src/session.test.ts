// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSession, type Session, type Tokens, type Transport } from "./session";

/** Web Locks, as far as they are used: one holder of a name at a time, in turn. */
function lockManager() {
  const last = new Map<string, Promise<unknown>>();
  return {
    request: (name: string, work: () => Promise<unknown>) => {
      const turn = (last.get(name) ?? Promise.resolve()).catch(() => {}).then(work);
      last.set(name, turn);
      return turn;
    },
  };
}

let name = 0;
let marks: Map<string, string>;
let refresh: ReturnType<typeof vi.fn<() => Promise<Tokens | null>>>;
let revoke: ReturnType<typeof vi.fn<() => Promise<void>>>;
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

beforeEach(() => {
  let issued = 0;
  name += 1;
  marks = new Map();
  refresh = vi.fn(async () => (await settled(), { accessToken: `refreshed-${++issued}`, expiresIn: 900 }));
  revoke = vi.fn(async () => {});
  vi.stubGlobal("navigator", { locks: lockManager() });
});
afterEach(() => vi.unstubAllGlobals());

/** A tab: its own session object over the storage, the locks and the channel of the browser. */
function tab(): Session {
  const store = {
    getItem: (key: string) => marks.get(key) ?? null,
    setItem: (key: string, value: string) => void marks.set(key, value),
    removeItem: (key: string) => void marks.delete(key),
  };
  const transport: Transport = { refresh, revoke };
  return createSession(transport, `session-${name}`, store);
}
const mark = () => marks.set(`session-${name}`, "1");
const good = (accessToken: string): Tokens => ({ accessToken, expiresIn: 900 });

test("without a marker no request is sent", async () => {
  const session = tab();
  expect(session.isActive()).toBe(false);
  expect(await session.token()).toBeNull();
  expect(await session.renew("refused")).toBeNull();
  expect(refresh).not.toHaveBeenCalled();
});

test("with a marker the first operation waits for a refresh", async () => {
  mark();
  const session = tab();
  expect(session.isActive()).toBe(true);
  expect(await Promise.all([session.token(), session.token()])).toEqual(["refreshed-1", "refreshed-1"]);
  expect(refresh).toHaveBeenCalledOnce();
});

test("a token is used until it expires, and then refreshed", async () => {
  const session = tab();
  session.start(good("first"));
  expect(await session.token()).toBe("first");
  session.start({ accessToken: "expired", expiresIn: 0 });
  expect(session.current()).toBeNull();
  expect(await session.token()).toBe("refreshed-1");
});

test("refusals of one token, early and late, make one refresh", async () => {
  const session = tab();
  session.start(good("first"));
  expect(await Promise.all([session.renew("first"), session.renew("first")])).toEqual([
    "refreshed-1",
    "refreshed-1",
  ]);
  expect(await session.renew("first")).toBe("refreshed-1");
  expect(refresh).toHaveBeenCalledOnce();
});

test("five tabs that begin at once make one refresh", async () => {
  mark();
  const tabs = Array.from({ length: 5 }, tab);
  expect(new Set(await Promise.all(tabs.map((session) => session.token())))).toEqual(
    new Set(["refreshed-1"]),
  );
  expect(refresh).toHaveBeenCalledOnce();
});

test("a new tab takes the token of an open tab", async () => {
  tab().start(good("first"));
  expect(await tab().token()).toBe("first");
  expect(refresh).not.toHaveBeenCalled();
});

test("without Web Locks and BroadcastChannel a page still has a single flight", async () => {
  vi.stubGlobal("navigator", undefined);
  vi.stubGlobal("BroadcastChannel", undefined);
  mark();
  const session = tab();
  await Promise.all([session.token(), session.token()]);
  expect(refresh).toHaveBeenCalledOnce();
});

test("a dead refresh token ends the session in all tabs", async () => {
  const [session, other] = [tab(), tab()];
  session.start(good("first"));
  await settled();
  const told = vi.fn();
  other.subscribe(told);
  expect(other.isActive()).toBe(true);
  refresh.mockResolvedValue(null);
  expect(await session.renew("first")).toBeNull();
  await settled();
  expect([session.isActive(), other.isActive(), marks.size]).toEqual([false, false, 0]);
  expect(told).toHaveBeenCalledOnce();
});

test("a failed refresh rejects, and the session stays", async () => {
  mark();
  const session = tab();
  refresh.mockRejectedValueOnce(new Error("offline"));
  await expect(session.token()).rejects.toThrow("offline");
  expect(session.isActive()).toBe(true);
  expect(await session.token()).toBe("refreshed-1");
});

test("signing out waits for a refresh under way, and wins", async () => {
  mark();
  const session = tab();
  const token = session.token();
  await session.end();
  expect(await token).toBe("refreshed-1");
  expect(revoke).toHaveBeenCalledOnce();
  expect(await session.token()).toBeNull();
});

test("a sign-out that does not reach the server leaves the user signed in", async () => {
  const session = tab();
  session.start(good("first"));
  revoke.mockRejectedValueOnce(new Error("offline"));
  await expect(session.end()).rejects.toThrow("offline");
  expect(await session.token()).toBe("first");
});

/** Two tabs that A is signed in to, and what their listeners heard from then on. */
async function twoTabs() {
  const tabs = [tab(), tab()] as const;
  tabs[0].start({ ...good("of A"), account: "A" });
  await settled();
  const told = tabs.map((session) => {
    const listener = vi.fn();
    session.subscribe(listener);
    return listener;
  });
  return { tabs, told };
}
const calls = (told: ReturnType<typeof vi.fn>[]) => told.map((listener) => listener.mock.calls.length);

test("listeners are called at each change of user, until they unsubscribe", async () => {
  const session = tab();
  const listener = vi.fn();
  const leave = session.subscribe(listener);
  session.start({ ...good("first"), account: "A" });
  session.start({ ...good("second"), account: "A" });
  expect(listener).toHaveBeenCalledOnce();
  await session.renew("second");
  expect(listener).toHaveBeenCalledOnce();
  leave();
  await session.end();
  expect(listener).toHaveBeenCalledOnce();
});

test("a sign-in of another user notifies all tabs", async () => {
  const { tabs, told } = await twoTabs();
  tabs[1].start({ ...good("of B"), account: "B" });
  await settled();
  expect(calls(told)).toEqual([1, 1]);
  expect(tabs.map((session) => [session.person(), session.current()])).toEqual([
    ["B", "of B"],
    ["B", "of B"],
  ]);
});

test("a sign-in without an account counts as another user", async () => {
  const { tabs, told } = await twoTabs();
  for (const token of ["first", "second"]) {
    tabs[0].start(good(token));
    await settled();
  }
  expect(calls(told)).toEqual([2, 2]);
  await tabs[1].renew("second");
  await settled();
  expect(calls(told)).toEqual([2, 2]);
});

test("a refresh that returns another user's tokens notifies all tabs", async () => {
  const { tabs, told } = await twoTabs();
  // Another application has signed B in: it has the same cookie, and another channel.
  refresh.mockResolvedValue({ ...good("of B"), account: "B" });
  expect(await tabs[0].renew("of A")).toBeNull();
  await settled();
  expect(calls(told)).toEqual([1, 1]);
  expect(await tabs[1].token()).toBe("of B");
});

test("a tab without messages notices at its next refresh", async () => {
  vi.stubGlobal("BroadcastChannel", undefined);
  const { tabs, told } = await twoTabs();
  tabs[1].start({ ...good("of A"), account: "A" });
  tabs[0].start({ ...good("of B"), account: "B" });
  refresh.mockResolvedValue({ ...good("next of B"), account: "B" });
  expect(calls(told)).toEqual([1, 1]);
  expect(await tabs[1].renew("of A")).toBeNull();
  expect(calls(told)).toEqual([1, 2]);
});

test("a request of one user is not sent with another user's token", async () => {
  const { tabs } = await twoTabs();
  const [session] = tabs;
  // A's answer is late: meanwhile B has signed in.
  tabs[1].start({ ...good("of B"), account: "B" });
  await settled();
  expect(await session.renew("of A")).toBeNull();
  // A waits for a refresh; B signs in before it ends, and stays.
  session.start({ ...good("of A"), account: "A" });
  const waiting = session.renew("of A");
  session.start({ ...good("of B"), account: "B" });
  expect(await waiting).toBeNull();
  expect([session.person(), session.current()]).toEqual(["B", "of B"]);
  expect(refresh).not.toHaveBeenCalled();
  // The refresh is under way already.
  session.start({ ...good("of A"), account: "A" });
  refresh.mockImplementation(async () => {
    session.start({ ...good("of B"), account: "B" });
    return { ...good("next of A"), account: "A" };
  });
  expect(await session.renew("of A")).toBeNull();
  expect([session.person(), session.current()]).toEqual(["B", "of B"]);
});

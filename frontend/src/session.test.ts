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

test("without a mark nothing is asked of the server", async () => {
  const session = tab();
  expect(session.isActive()).toBe(false);
  expect(await session.token()).toBeNull();
  expect(await session.renew("refused")).toBeNull();
  expect(refresh).not.toHaveBeenCalled();
});

test("with a mark the first operation waits for a refresh", async () => {
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

test("a new tab takes the token of one that is open", async () => {
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

test("a refresh that cannot be made rejects, and ends nothing", async () => {
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

test("signing out that the server did not hear of leaves one signed in", async () => {
  const session = tab();
  session.start(good("first"));
  revoke.mockRejectedValueOnce(new Error("offline"));
  await expect(session.end()).rejects.toThrow("offline");
  expect(await session.token()).toBe("first");
});

test("listeners hear of changes only, until they leave", async () => {
  const session = tab();
  const listener = vi.fn();
  const leave = session.subscribe(listener);
  session.start(good("first"));
  session.start(good("second"));
  expect(listener).toHaveBeenCalledOnce();
  leave();
  await session.end();
  expect(listener).toHaveBeenCalledOnce();
});

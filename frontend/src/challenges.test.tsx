import { act } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import type { SignedInFragment } from "./__generated__/graphql";
import { useChallenges, type LinkChallenge } from "./challenges";
import type { Session } from "./session";
import { render, type Sent } from "./testing";
import { SessionContext } from "./use-session";

let active: boolean;
let listeners: Set<() => void>;
let sent: Sent[];
let hook: ReturnType<typeof useChallenges>;
const started = vi.fn();

const account = { __typename: "Account" as const, id: "A" };
const tokens = { __typename: "TokenSet" as const, accessToken: "token", expiresIn: 900 };
const link: LinkChallenge = {
  __typename: "LinkChallenge",
  token: "ticket",
  provider: "corp",
  email: "ada@example.com",
  signInMethods: ["PASSWORD"],
};
const outcome = (change: Partial<SignedInFragment>): SignedInFragment => ({
  __typename: "AuthPayload",
  isNewAccount: false,
  tokens: null,
  account: null,
  challenge: null,
  errors: [],
  ...change,
});
const linked = (socialAccount: object | null, errors: object[] = []) => ({
  Link: {
    linkSocialAccount: { __typename: "LinkSocialAccountPayload", socialAccount, account: null, errors },
  },
});

function become(now: boolean) {
  active = now;
  listeners.forEach((listener) => listener());
}
function Probe() {
  hook = useChallenges();
  return null;
}
async function draw(answers = {}) {
  const session = {
    person: () => (active ? "A" : null),
    start: (...given: unknown[]) => (started(...given), become(true)),
    subscribe: (listener: () => void) => (listeners.add(listener), () => void listeners.delete(listener)),
  };
  sent = await render(
    <SessionContext value={session as unknown as Session}>
      <Probe />
    </SessionContext>,
    answers,
  );
}
const settle = (...given: Parameters<typeof hook.settle>) => act(() => hook.settle(...given));

beforeEach(() => {
  active = false;
  listeners = new Set();
  started.mockReset();
  history.replaceState(null, "", "/register");
});

test("tokens start the session, and link only on request", async () => {
  await draw();
  expect(await settle(outcome({ tokens, account }))).toBe(true);
  expect(started).toHaveBeenCalledWith({ ...tokens, account: "A" });
  expect(sent).toEqual([]);
  expect(hook.notice).toBeNull();
});

test.each([
  ["that it was", linked({ id: "1", label: "Corp" }), "Corp is linked to your account.", false],
  ["that it was not", linked(null, [{ message: "Too late." }]), "Linking failed. Too late.", true],
  ["that nobody knows", {}, "Linking failed. The service cannot be reached.", true],
])("the link is made with the new token, and it is told %s", async (_what, answers, text, isProblem) => {
  await draw(answers);
  started.mockImplementation(() => expect(sent).toHaveLength(1));
  await settle(outcome({ tokens, account }), link);
  expect(sent).toMatchObject([
    {
      name: "Link",
      variables: { input: { source: { challengeToken: "ticket" } } },
      headers: { authorization: "Bearer token" },
    },
  ]);
  expect(started).toHaveBeenCalledOnce();
  expect(hook.notice).toMatchObject({ text: expect.stringContaining(text), isProblem });
  await act(async () => become(false));
  expect(hook.notice).toBeNull();
});

test("a challenge shows on the sign-in page until a user signs in", async () => {
  await draw();
  expect(await settle(outcome({ challenge: link }))).toBe(true);
  expect(hook.challenge).toEqual(link);
  expect(location.pathname).toBe("/sign-in");
  await act(async () => become(true));
  expect(hook.challenge).toBeNull();
});

test.each(["MfaChallenge" as const, "MfaEnrollmentChallenge" as const])(
  "%s survives a reload, and the link waits for its end",
  async (__typename) => {
    sessionStorage.clear();
    const step = { __typename, token: "step", methods: ["TOTP" as const], expiresIn: 600 };
    await draw();
    expect(await settle(outcome({ challenge: step }), link)).toBe(true);
    expect([hook.challenge, hook.asked]).toEqual([step, link]);
    expect(location.pathname).toBe("/sign-in");
    document.body.replaceChildren();
    await draw();
    expect(hook.challenge).toEqual(step);
    await act(async () => hook.drop());
    expect([hook.challenge, hook.asked]).toEqual([null, null]);
    expect(sessionStorage).toHaveLength(0);
  },
);

test("a step that follows the confirmation of the address takes its place, also after a reload", async () => {
  sessionStorage.clear();
  const mail = { __typename: "EmailVerificationChallenge" as const, token: "mail", email: "ada@example.com", expiresIn: 600 };
  const step = { __typename: "MfaEnrollmentChallenge" as const, token: "step", methods: ["TOTP" as const], expiresIn: 600 };
  await draw();
  await settle(outcome({ challenge: mail }));
  await settle(outcome({ challenge: step }));
  expect(sessionStorage).toHaveLength(1);
  document.body.replaceChildren();
  await draw();
  expect(hook.challenge).toEqual(step);
  await act(async () => become(true));
  expect(sessionStorage).toHaveLength(0);
});

test("the caller shows errors without a challenge, and challenges of an unknown kind", async () => {
  await draw();
  const unknown = { __typename: "DanceChallenge", token: "x" } as unknown as LinkChallenge;
  expect(await settle(outcome({}))).toBe(false);
  expect(await settle(outcome({ challenge: unknown }))).toBe(false);
  expect(hook.challenge).toBeNull();
  expect(location.pathname).toBe("/register");
});

test("a registration that waits for its mail survives a reload, until it is over", async () => {
  sessionStorage.clear();
  const waiting = {
    __typename: "EmailVerificationChallenge" as const,
    token: "challenge",
    email: "ada@example.com",
    expiresIn: 3600,
  };
  await draw();
  expect(await settle(outcome({ challenge: waiting }))).toBe(true);
  expect(location.pathname).toBe("/sign-in");
  document.body.replaceChildren();
  await draw();
  expect(hook.challenge).toEqual(waiting);
  await act(async () => hook.drop());
  expect(hook.challenge).toBeNull();
  expect(sessionStorage).toHaveLength(0);
});

import { act } from "react";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import type { ProofFragment, TwoStepFragment } from "../__generated__/graphql";
import { Reauthentication } from "../reauthentication";
import { alert, appears, failure, press, render, status, type } from "../testing";
import { TwoStep } from "./two-step";

const CODES = ["BCDF-GHJK-LMNP", "QRST-VWXZ-2345"];
const OFF = { __typename: "MfaStatus" as const, enabled: false, methods: [], recoveryCodesRemaining: 0 };
const ON = {
  __typename: "MfaStatus" as const,
  enabled: true,
  methods: ["TOTP" as const, "RECOVERY_CODE" as const],
  recoveryCodesRemaining: 10,
};
const ADA: ProofFragment & TwoStepFragment = {
  __typename: "Account",
  id: "ada",
  email: "ada@example.com",
  emailVerified: true,
  hasPassword: true,
  reauthenticationMethods: ["PASSWORD"],
  mfa: OFF,
  socialAccounts: [],
};
const CREATED = {
  createTotpEnrollment: {
    __typename: "CreateTotpEnrollmentPayload",
    enrollment: { __typename: "TotpEnrollment", token: "enrollment", secret: "GEZDGNBVGY3TQOJQ", uri: "otpauth://x" },
    errors: [],
  },
};
const confirmed = (recoveryCodes: string[]) => ({
  confirmTotpEnrollment: { __typename: "ConfirmTotpEnrollmentPayload", recoveryCodes, errors: [] },
});

afterEach(() => vi.restoreAllMocks());

/** A browser in which pages can copy. */
function clipboard(writeText: () => Promise<void>) {
  vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText } });
  onTestFinished(() => void vi.unstubAllGlobals());
}
const draw = (account: Partial<TwoStepFragment>, answers: Record<string, object> = {}) =>
  render(
    <Reauthentication account={ADA} providers={[]} refresh={async () => {}}>
      <TwoStep account={{ ...ADA, ...account }} />
    </Reauthentication>,
    answers,
  );
const buttons = () => [...document.querySelectorAll("section button")].map(({ textContent }) => textContent);
const paragraphs = () => [...document.querySelectorAll("section p")].map(({ textContent }) => textContent);
const shown = () => [...document.querySelectorAll(".codes li")].map(({ textContent }) => textContent);
const focused = () => document.activeElement!.textContent;

test("without a second step it offers to set one up, once the address is confirmed", async () => {
  await draw({});
  expect(paragraphs()[0]).toMatch(/^Off\./);
  expect(buttons()).toEqual(["Set up an authenticator app"]);
  document.body.replaceChildren();
  await draw({ emailVerified: false });
  expect(paragraphs()).toContain("Confirm your e-mail address first.");
  expect(buttons()).toEqual([]);
});

test.each([
  [10, "10 recovery codes are left."],
  [3, "3 recovery codes are left."],
  [2, "2 recovery codes are left. Make new ones, so that you can still sign in without your phone."],
  [1, "1 recovery code is left. Make new ones, so that you can still sign in without your phone."],
  [0, "No recovery codes are left. Make new ones, so that you can still sign in without your phone."],
])("with %i recovery codes it says how many are left", async (recoveryCodesRemaining, text) => {
  await draw({ mfa: { ...ON, recoveryCodesRemaining } });
  expect(paragraphs()[0]).toBe("On. Signing in also asks for a code of your authenticator app.");
  expect(paragraphs()[1]).toBe(text);
  expect(buttons()).toEqual(["Make new recovery codes", "Remove the app …"]);
});

test("a passkey is named beside the app, or alone where the service requires a second step", async () => {
  await draw({ mfa: { ...ON, methods: ["TOTP", "PASSKEY", "RECOVERY_CODE"] } });
  expect(paragraphs()[0]).toBe("On. Signing in also asks for a code of your authenticator app, or a passkey.");
  document.body.replaceChildren();
  await draw({ mfa: { ...ON, methods: ["PASSKEY", "RECOVERY_CODE"] } });
  expect(paragraphs()[0]).toBe("On. Signing in also asks for a passkey.");
  expect(buttons()).toEqual(["Set up an authenticator app", "Make new recovery codes"]);
});

test("setting up shows the recovery codes until they are saved, and the focus follows", async () => {
  const sent = await draw({}, { CreateTotpEnrollment: CREATED, ConfirmTotpEnrollment: confirmed(CODES) });
  await press("Set up an authenticator app");
  await appears("svg[role=img]");
  expect(focused()).toMatch(/^Scan this QR code/);
  type("code", "123456");
  await press("Confirm");
  expect(sent.map(({ variables }) => variables.input)).toEqual([
    undefined,
    { challengeToken: "enrollment", code: "123456" },
  ]);
  expect(shown()).toEqual(CODES);
  expect(status()).toMatch("Your authenticator app is set up.");
  expect(focused()).toMatch(/^Each of these recovery codes/);
  await press("I have saved them");
  expect(shown()).toEqual([]);
  expect(focused()).toBe("Two-step sign-in");
});

test("an account that has recovery codes already gets no others", async () => {
  await draw({}, { CreateTotpEnrollment: CREATED, ConfirmTotpEnrollment: confirmed([]) });
  await press("Set up an authenticator app");
  await appears("[name=code]");
  type("code", "123456");
  await press("Confirm");
  expect(status()).toMatch("Your authenticator app is set up.");
  expect(focused()).toBe("Two-step sign-in");
});

test("cancelling the set-up leaves nothing", async () => {
  const sent = await draw({}, { CreateTotpEnrollment: CREATED });
  await press("Set up an authenticator app");
  await appears("[name=code]");
  await press("Cancel");
  expect(buttons()).toEqual(["Set up an authenticator app"]);
  expect(focused()).toBe("Two-step sign-in");
  expect(sent).toHaveLength(1);
});

test("new recovery codes can be copied, downloaded and printed", async () => {
  const writeText = vi.fn(async () => {});
  clipboard(writeText);
  const print = vi.fn();
  vi.stubGlobal("print", print);
  const saved: string[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    saved.push(this.download);
  });
  await draw(
    { mfa: ON },
    {
      RegenerateRecoveryCodes: {
        regenerateRecoveryCodes: { __typename: "RegenerateRecoveryCodesPayload", recoveryCodes: CODES, errors: [] },
      },
    },
  );
  await press("Make new recovery codes");
  expect(shown()).toEqual(CODES);
  expect(status()).toMatch("The old ones do not work any more.");
  await press("Copy");
  expect(writeText).toHaveBeenCalledWith(expect.stringContaining(CODES.join("\n")));
  expect(status()).toMatch("Copied.");
  await press("Download");
  expect(saved).toEqual(["latchkey-recovery-codes.txt"]);
  await press("Print");
  expect(print).toHaveBeenCalledOnce();
});

test("a browser that forbids copying says so", async () => {
  const writeText = vi.fn(() => Promise.reject(new DOMException("No.", "NotAllowedError")));
  clipboard(writeText);
  await draw({}, { CreateTotpEnrollment: CREATED });
  await press("Set up an authenticator app");
  await appears("[name=code]");
  await press("Copy the key");
  expect(writeText).toHaveBeenCalledWith("GEZDGNBVGY3TQOJQ");
  expect(alert()).toBe("The browser did not allow it. Select the text and copy it.");
});

test("removing the app asks first, and says that it is done", async () => {
  const sent = await draw(
    { mfa: ON },
    { DisableTotp: { disableTotp: { __typename: "DisableTotpPayload", account: null, errors: [] } } },
  );
  await press("Remove the app …");
  await press("Keep it");
  expect(sent).toEqual([]);
  await press("Remove the app …");
  await press("Remove the app");
  await act(() => new Promise<void>((resolve) => setTimeout(resolve, 10)));
  expect(sent.map(({ name }) => name)).toEqual(["DisableTotp"]);
  expect(document.querySelector("dialog")).toBeNull();
  expect(status()).toMatch("Your authenticator app is removed.");
  expect(focused()).toBe("Two-step sign-in");
});

test("a failure shows in the section", async () => {
  await draw(
    {},
    {
      CreateTotpEnrollment: {
        createTotpEnrollment: {
          __typename: "CreateTotpEnrollmentPayload",
          enrollment: null,
          errors: [failure("ALREADY_ENABLED", "It is already on.")],
        },
      },
    },
  );
  await press("Set up an authenticator app");
  expect(alert()).toBe("It is already on.");
  expect(buttons()).toEqual(["Set up an authenticator app"]);
});

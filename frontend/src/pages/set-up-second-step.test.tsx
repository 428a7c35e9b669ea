import { expect, test, vi } from "vitest";
import { SettleContext, type MfaEnrollmentChallenge } from "../challenges";
import { recall } from "../kept";
import { alert, appears, failure, heading, press, render, type } from "../testing";
import { SetUpSecondStep } from "./set-up-second-step";

const CODES = ["BCDF-GHJK-LMNP", "QRST-VWXZ-2345"];
const settle = vi.fn();
const cancel = vi.fn();

const created = (...errors: object[]) => ({
  createTotpEnrollment: {
    __typename: "CreateTotpEnrollmentPayload",
    enrollment: errors.length
      ? null
      : {
          __typename: "TotpEnrollment",
          token: "enrollment",
          secret: "GEZDGNBVGY3TQOJQ",
          uri: "otpauth://totp/Latchkey?secret=GEZDGNBVGY3TQOJQ",
        },
    errors,
  },
});
const confirmed = (recoveryCodes: string[], ...errors: object[]) => ({
  confirmTotpEnrollment: { __typename: "ConfirmTotpEnrollmentPayload", recoveryCodes, errors },
});
const finished = (...errors: object[]) => ({
  answerMfaEnrollmentChallenge: {
    __typename: "AuthPayload",
    tokens: null,
    account: null,
    isNewAccount: true,
    challenge: null,
    errors,
  },
});

const CHALLENGE: MfaEnrollmentChallenge = {
  __typename: "MfaEnrollmentChallenge",
  token: "challenge",
  methods: ["TOTP"],
  expiresIn: 600,
};

async function draw(answers: Record<string, object>, challenge = CHALLENGE) {
  settle.mockReset().mockImplementation(async ({ errors }) => errors.length === 0);
  cancel.mockReset();
  return render(
    <SettleContext value={settle}>
      <SetUpSecondStep challenge={challenge} link={null} onCancel={cancel} />
    </SettleContext>,
    answers,
  );
}
const inputs = (sent: Awaited<ReturnType<typeof draw>>) => sent.map(({ name, variables }) => [name, variables.input]);

async function begin() {
  await press("Use an authenticator app");
  await appears("svg[role=img]");
}

test("the app is set up with the challenge, the codes show, and the sign-in goes on", async () => {
  const sent = await draw({
    CreateTotpEnrollment: created(),
    ConfirmTotpEnrollment: confirmed(CODES),
    AnswerMfaEnrollment: finished(),
  });
  expect(heading()).toBe("Set up a second step");
  await begin();
  expect(heading()).toBe("Set up your app");
  expect(document.querySelector(".key")!.textContent).toBe("GEZD GNBV GY3T QOJQ");
  expect(document.querySelector("main a")!.getAttribute("href")).toBe("otpauth://totp/Latchkey?secret=GEZDGNBVGY3TQOJQ");
  type("code", "123456");
  await press("Confirm");
  expect(heading()).toBe("Save your recovery codes");
  expect([...document.querySelectorAll("li")].map((item) => item.textContent)).toEqual(CODES);
  expect(settle).not.toHaveBeenCalled();
  await press("I have saved them: sign in");
  expect(inputs(sent)).toEqual([
    ["CreateTotpEnrollment", { challengeToken: "challenge" }],
    ["ConfirmTotpEnrollment", { challengeToken: "enrollment", code: "123456" }],
    ["AnswerMfaEnrollment", { challengeToken: "challenge" }],
  ]);
  expect(settle).toHaveBeenCalledWith(finished().answerMfaEnrollmentChallenge, null);
});

test("a wrong code shows at its field, and the same key stays", async () => {
  const sent = await draw({
    CreateTotpEnrollment: created(),
    ConfirmTotpEnrollment: confirmed([], failure("INVALID_CODE")),
  });
  await begin();
  type("code", "000000");
  await press("Confirm");
  expect(document.querySelector("[name=code]")!.getAttribute("aria-invalid")).toBe("true");
  expect(document.querySelector(".key")!.textContent).toBe("GEZD GNBV GY3T QOJQ");
  expect(sent).toHaveLength(2);
});

test("a challenge that is over leads back to the sign-in, from the first step and from the last", async () => {
  await draw({ CreateTotpEnrollment: created(failure("INVALID_CHALLENGE")) });
  await press("Use an authenticator app");
  expect(heading()).toBe("Please sign in again");
  document.body.replaceChildren();
  await draw({
    CreateTotpEnrollment: created(),
    ConfirmTotpEnrollment: confirmed(CODES),
    AnswerMfaEnrollment: finished(failure("INVALID_CHALLENGE")),
  });
  await begin();
  type("code", "123456");
  await press("Confirm");
  await press("I have saved them: sign in");
  expect(heading()).toBe("Please sign in again");
  await press("Sign in again");
  expect(cancel).toHaveBeenCalledOnce();
});

test("any other failure shows, and the user can choose again", async () => {
  await draw({ CreateTotpEnrollment: created(failure("RATE_LIMITED", "Too many attempts.")) });
  await press("Use an authenticator app");
  expect(alert()).toBe("Too many attempts.");
  expect(heading()).toBe("Set up a second step");
});

test("after a reload while the recovery codes show, the sign-in can be finished", async () => {
  await draw({ CreateTotpEnrollment: created(), ConfirmTotpEnrollment: confirmed(CODES) });
  await begin();
  type("code", "123456");
  await press("Confirm");
  const kept = recall<MfaEnrollmentChallenge>("second-step")!;
  expect(JSON.stringify({ ...sessionStorage })).not.toContain(CODES[0]);
  document.body.replaceChildren();

  const sent = await draw({ AnswerMfaEnrollment: finished() }, kept);
  expect(heading()).toBe("Your second step is set up");
  expect(document.querySelector("main")!.textContent).toContain("make new ones");
  await press("Sign in");
  expect(inputs(sent)).toEqual([["AnswerMfaEnrollment", { challengeToken: "challenge" }]]);
  expect(settle).toHaveBeenCalledOnce();
});

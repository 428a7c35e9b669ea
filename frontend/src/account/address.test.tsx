import { expect, test, vi } from "vitest";
import type { AddressFragment, ProofFragment } from "../__generated__/graphql";
import { Reauthentication } from "../reauthentication";
import { failure, press, render, status, type } from "../testing";
import { Address, Confirmation } from "./address";

const ADA: AddressFragment & ProofFragment = {
  __typename: "Account",
  id: "ada",
  email: "ada@example.com",
  emailVerified: false,
  pendingEmail: null,
  hasPassword: false,
  reauthenticationMethods: ["EMAIL_CODE"],
  mfa: { __typename: "MfaStatus", methods: [] },
  socialAccounts: [],
};
const payload = (name: string, ...errors: object[]) => ({
  [name]: { __typename: "Payload", account: null, errors },
});

const draw = (part: React.ReactNode, answers: Record<string, object | object[]>) =>
  render(
    <Reauthentication account={ADA} providers={[]} refresh={vi.fn(async () => {})}>
      {part}
    </Reauthentication>,
    answers,
  );
const page = () => document.body.textContent;

test("the address is confirmed with the mailed code", async () => {
  const sent = await draw(<Confirmation account={ADA} />, { VerifyEmail: payload("verifyEmail") });
  type("code", "BCDF-GHJK");
  await press("Confirm address");
  expect(sent.map(({ variables }) => variables.input)).toEqual([{ code: "BCDF-GHJK" }]);
  expect(status()).toContain("Your address is confirmed.");
  expect(document.activeElement?.tagName).toBe("H2");
});

test("a confirmed address shows nothing to confirm", async () => {
  await draw(<Confirmation account={{ ...ADA, emailVerified: true }} />, {});
  expect(document.querySelector("section")).toBeNull();
});

test("a change is asked for once it is known who asks: here by a mailed code", async () => {
  const sent = await draw(<Address account={ADA} />, {
    RequestEmailChange: [
      payload("requestEmailChange", failure("REAUTHENTICATION_REQUIRED")),
      payload("requestEmailChange"),
    ],
    RequestReauthenticationCode: {
      requestReauthenticationCode: {
        __typename: "Payload",
        mailedCode: { __typename: "MailedCode", token: "one", expiresIn: 600 },
        errors: [],
      },
    },
    Reauthenticate: { reauthenticate: { __typename: "ReauthenticatePayload", expiresIn: 600, errors: [] } },
  });
  type("newEmail", "lovelace@example.com");
  await press("Change address");
  await press("Mail me a code");
  type("code", "BCDF-GHJK");
  await press("Confirm with the code");
  await vi.waitFor(() => expect(sent).toHaveLength(4));
  expect(sent[2]!.variables.input).toEqual({
    credential: { emailCode: { challengeToken: "one", code: "BCDF-GHJK" } },
  });
  expect(sent[3]!.variables).toEqual(sent[0]!.variables);
});

test("a pending address is confirmed by its code", async () => {
  const account = { ...ADA, pendingEmail: "lovelace@example.com" };
  const sent = await draw(<Address account={account} />, {
    ConfirmEmailChange: [
      payload("confirmEmailChange", failure("INVALID_CODE", "Wrong.")),
      payload("confirmEmailChange"),
    ],
  });
  expect(page()).toContain("Until then, your address stays ada@example.com.");
  type("code", "WRONG");
  await press("Confirm new address");
  expect(document.querySelector(".error")!.textContent).toBe("Wrong.");
  type("code", "BCDF-GHJK");
  await press("Confirm new address");
  expect(sent.at(-1)!.variables.input).toEqual({ code: "BCDF-GHJK" });
  expect(status()).toContain("Your address is now lovelace@example.com.");
});

test("a pending address is withdrawn, and the focus stays near", async () => {
  const account = { ...ADA, pendingEmail: "lovelace@example.com" };
  const sent = await draw(<Address account={account} />, { CancelEmailChange: payload("cancelEmailChange") });
  await press("Cancel the change");
  expect(sent.map(({ name }) => name)).toEqual(["CancelEmailChange"]);
  expect(status()).toContain("Your address stays as it is.");
  expect(document.activeElement?.tagName).toBe("H2");
});

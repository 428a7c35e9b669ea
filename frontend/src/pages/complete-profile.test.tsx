import { expect, test, vi } from "vitest";
import { SettleContext, type ProfileChallenge } from "../challenges";
import { press, render } from "../testing";
import { CompleteProfile } from "./complete-profile";

const challenge: ProfileChallenge = {
  __typename: "ProfileChallenge",
  token: "ticket",
  missing: ["EMAIL", "FIRST_NAME"],
  suggestion: {
    __typename: "ProfileSuggestion",
    email: null,
    username: "ada-23",
    firstName: null,
    lastName: "Lovelace",
  },
};

test("the form asks for missing fields, and sends them with the challenge", async () => {
  const settle = vi.fn(async () => true);
  const outcome = {
    __typename: "AuthPayload",
    isNewAccount: true,
    tokens: null,
    challenge: null,
    errors: [],
  };
  const sent = await render(
    <SettleContext value={settle}>
      <CompleteProfile challenge={challenge} onCancel={() => {}} />
    </SettleContext>,
    { CompleteProfile: { answerProfileChallenge: outcome } },
  );
  const fields = [...document.querySelectorAll("input")];
  expect(fields.map(({ name, value }) => [name, value])).toEqual([
    ["firstName", ""],
    ["username", "ada-23"],
    ["email", ""],
  ]);
  fields[0]!.value = "Ada";
  fields[2]!.value = "ada@example.com";
  await press("Create account");
  expect(sent[0]!.variables.input).toEqual({
    challengeToken: "ticket",
    firstName: "Ada",
    username: "ada-23",
    email: "ada@example.com",
  });
  expect(settle).toHaveBeenCalledWith(expect.objectContaining({ isNewAccount: true }), null);
});

/** The types that docs/clients.md generates. The compiler is what tests them; what it must refuse stands here too. */
import type { ResultOf, VariablesOf } from "gql.tada";
import { expect, expectTypeOf, test } from "vitest";
import type { SignInWithProviderMutation, SignInWithProviderMutationVariables } from "./__generated__/graphql";
import type { SignInWithProvider } from "./__generated__/tada";

type Codegen = SignInWithProviderMutationVariables["input"]["credential"];
type Tada = VariablesOf<typeof SignInWithProvider>["input"]["credential"];
type Dates = [
  NonNullable<SignInWithProviderMutation["convertSocialToken"]["account"]>["dateJoined"],
  NonNullable<ResultOf<typeof SignInWithProvider>["convertSocialToken"]["account"]>["dateJoined"],
];

test("a @oneOf input takes exactly one of its fields", () => {
  const one: [Codegen, Tada] = [{ idToken: "x" }, { idToken: "x" }];
  // @ts-expect-error two
  const two: Codegen = { idToken: "x", accessToken: "y" };
  // @ts-expect-error none
  const none: Codegen = {};
  const twoOfTada: Tada = { idToken: "x", accessToken: "y" }; // it lets this pass, as the page says
  // @ts-expect-error none
  const noneOfTada: Tada = {};
  expect([one, two, none, twoOfTada, noneOfTada]).toHaveLength(5);
});

test("times are text", () => {
  expectTypeOf<Dates>().toEqualTypeOf<[string, string]>();
});

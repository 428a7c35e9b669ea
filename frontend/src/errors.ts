import { CombinedGraphQLErrors } from "@apollo/client";
import type { FailureFragment } from "./__generated__/graphql";

/** An expected failure. Pages make some of their own. */
export type Failure = Pick<FailureFragment, "message"> &
  Partial<Omit<FailureFragment, "message" | "code">> & { code?: string };

/** Thrown with the failures that the user has to see. */
export class Refused extends Error {
  readonly failures: Failure[];
  constructor(failures: Failure[] | string) {
    super("Refused");
    this.failures = typeof failures === "string" ? [{ message: failures }] : failures;
  }
}

/** The message for a request that failed unexpectedly. */
export function describe(error: unknown): string {
  if (error instanceof Refused) return error.failures.map(({ message }) => message).join(" ");
  if (CombinedGraphQLErrors.is(error)) return error.errors[0]?.message ?? error.message;
  // session.ts throws the service's message. Failures of the network have other names, such as TypeError.
  if (error instanceof Error && error.name === "Error") return error.message;
  return "The service cannot be reached. Check your connection and try again.";
}

export const fieldOf = ({ field }: Failure) => field?.at(-1);

/** Shows a wrong password at its field. The service's message is for signing in. */
export const wrongPasswordAt = (name: string) => (failure: Failure): Failure =>
  failure.code === "INVALID_CREDENTIALS"
    ? { ...failure, field: [name], message: "This password is not correct." }
    : failure;

/** Shows a wrong code at its field. */
export const wrongCodeAtField = (failure: Failure): Failure =>
  failure.code === "INVALID_CODE" ? { ...failure, field: ["code"] } : failure;

/** Shows a wrong code of an app, or a wrong recovery code, at its field. The service's message is for mailed codes. */
export const wrongFactorAtField = (failure: Failure): Failure =>
  failure.code === "INVALID_CODE"
    ? { ...failure, field: ["code"], message: "This code is not correct, or it was used before." }
    : failure;

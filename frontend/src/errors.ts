import { CombinedGraphQLErrors } from "@apollo/client";

/** The message for a request that failed unexpectedly. */
export function describe(error: unknown): string {
  if (CombinedGraphQLErrors.is(error)) return error.errors[0]?.message ?? error.message;
  return "The service cannot be reached. Check your connection and try again.";
}

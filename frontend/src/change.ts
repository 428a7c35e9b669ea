/** How the parts of a page send changes of the account. */
import { createContext, use } from "react";
import type { Failure } from "./errors";

export interface Payload {
  errors: Failure[];
}
/** Resolves to null if the user did not confirm who they are: then nothing has changed.
 *  After the `last` change of a session there is nothing to read. */
export type Change = <T extends Payload>(send: () => Promise<T>, options?: { last?: boolean }) => Promise<T | null>;
export const ChangeContext = createContext<Change | null>(null);

/** Changes the account. Asks who the user is if the service wants to know, and then sends the same once more. */
export function useChange(): Change {
  const change = use(ChangeContext);
  if (!change) throw new Error("ChangeContext is missing.");
  return change;
}

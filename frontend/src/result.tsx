import type { ReactNode } from "react";
import { describe } from "./errors";
import { Alert } from "./outcome";

interface ResultProps {
  error: Error | undefined;
  ready: boolean;
  retry: () => Promise<unknown>;
  children: ReactNode;
}

/** A query's result, its loading state or its error. */
export function Result({ error, ready, retry, children }: ResultProps) {
  return (
    <>
      <Alert>{error && !ready ? describe(error) : ""}</Alert>
      {ready ? (
        children
      ) : error ? (
        // `refetch` rejects too, but its error already shows.
        <button type="button" className="secondary" onClick={() => void retry().catch(() => {})}>
          Try again
        </button>
      ) : (
        <p role="status" className="hint">
          Loading …
        </p>
      )}
    </>
  );
}

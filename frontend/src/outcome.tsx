/** The state of a request: under way, refused, to be repeated later, or done. */
import { useState } from "react";
import { describe, fieldOf, Refused, type Failure } from "./errors";
import { Countdown, useWait } from "./wait";

/** Resolves to the failures: none means success, and null that the user changed their mind. */
export type Work = () => Promise<Failure[] | null>;

/** Failures of these fields are for the fields to show, all others for `Messages`. */
export function useOutcome(fields: string[] = []) {
  const [busy, setBusy] = useState(false);
  const [failures, setFailures] = useState<Failure[]>([]);
  const [problem, setProblem] = useState("");
  const [done, setDone] = useState("");
  const { waiting, wait, forget } = useWait();

  function clear() {
    setProblem("");
    setFailures([]);
    setDone("");
    forget();
  }

  function show(errors: Failure[]) {
    const others = errors.filter((error) => !fields.includes(fieldOf(error) ?? ""));
    // Count fields, not errors: one field may have two.
    const wrong = new Set(errors.map(fieldOf).filter((name) => fields.includes(name ?? ""))).size;
    setDone("");
    setFailures(errors);
    setProblem(
      others.map(({ message }) => message).join(" ") ||
        (wrong > 0 ? `Please correct ${wrong === 1 ? "one field" : `${wrong} fields`}.` : ""),
    );
    // A field that has to wait does not keep the others waiting.
    const seconds = Math.max(0, ...others.map(({ retryAfter }) => retryAfter ?? 0));
    if (seconds > 0) wait(seconds);
  }

  function fail(error: unknown) {
    if (error instanceof Refused) show(error.failures);
    else setProblem(describe(error));
  }

  /** Waits for the user, who may also start again instead of answering. Null if they did not answer. */
  async function ask<T>(question: () => Promise<T | null>, state = ""): Promise<T | null> {
    if (busy || waiting.seconds > 0) return null;
    clear();
    setDone(state);
    try {
      return await question();
    } catch (error) {
      fail(error);
      return null;
    } finally {
      setDone("");
    }
  }

  /** Does the work, unless other work or a waiting time prevents it. True on success. */
  async function run(work: Work, success = ""): Promise<boolean> {
    if (busy || waiting.seconds > 0) return false;
    clear();
    setBusy(true);
    let errors: Failure[] | null = null;
    try {
      errors = await work();
      if (errors) show(errors);
    } catch (error) {
      fail(error);
    }
    setBusy(false);
    const succeeded = errors?.length === 0;
    if (succeeded) setDone(success);
    return succeeded;
  }

  return {
    busy,
    /** True while nothing can be sent. */
    blocked: busy || waiting.seconds > 0,
    failures,
    show,
    ask,
    run,
    // After the waiting time, "Too many attempts" is no longer true.
    messages: { problem: waiting.over ? "" : problem, done, waiting },
  };
}

export type Outcome = ReturnType<typeof useOutcome>;

/** Always in the page, so that screen readers announce its changes. */
export function Alert({ children }: { children: string }) {
  return <div role="alert">{children && <p className="problem">{children}</p>}</div>;
}

export function Messages({ problem, done, waiting }: Outcome["messages"]) {
  return (
    <>
      <Alert>{problem}</Alert>
      <Countdown {...waiting} />
      <div role="status">{done && <p className="notice">{done}</p>}</div>
    </>
  );
}

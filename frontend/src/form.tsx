import {
  createContext,
  use,
  useEffect,
  useId,
  useRef,
  useState,
  type ComponentProps,
  type ReactNode,
} from "react";
import type { SignedInFragment } from "./__generated__/graphql";
import { useSettle, type LinkChallenge } from "./challenges";
import { describe } from "./errors";

type Failure = SignedInFragment["errors"][number];
const FailuresContext = createContext<Failure[]>([]);
const fieldOf = ({ field }: Failure) => field?.at(-1);

/** The errors that the service would return for empty required fields. */
const missing = (form: HTMLFormElement): Failure[] =>
  [...form.querySelectorAll("input")]
    .filter(({ validity }) => validity.valueMissing)
    .map(({ name }) => ({
      __typename: "AuthError",
      code: "REQUIRED",
      field: [name],
      message: "This field is required.",
    }));

interface FormProps {
  submit: (values: Record<string, string>) => Promise<SignedInFragment>;
  /** The names of its fields. Errors of other fields show above the form. */
  fields: string[];
  label: string;
  /** The link to make after the sign-in. */
  link?: LinkChallenge | null;
  children: ReactNode;
}

/** A form that signs in. A field's errors show at the field, all others above the fields. */
export function SignInForm({ submit, fields, label, link = null, children }: FormProps) {
  const settle = useSettle();
  const form = useRef<HTMLFormElement>(null);
  const [busy, setBusy] = useState(false);
  const [failures, setFailures] = useState<Failure[]>([]);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [failures]);

  function show(errors: Failure[]) {
    const others = errors.filter((error) => !fields.includes(fieldOf(error) ?? ""));
    // Count fields, not errors: one field may have two.
    const wrong = new Set(errors.map(fieldOf).filter((name) => fields.includes(name ?? ""))).size;
    setFailures(errors);
    setProblem(
      others.map(({ message }) => message).join(" ") ||
        `Please correct ${wrong === 1 ? "one field" : `${wrong} fields`}.`,
    );
  }

  async function onSubmit(values: Record<string, string>) {
    setBusy(true);
    setProblem("");
    setFailures([]);
    try {
      const outcome = await submit(values);
      if (await settle(outcome, link)) return;
      show(outcome.errors);
    } catch (error) {
      setProblem(describe(error));
    }
    setBusy(false);
  }

  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const values = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]);
        const empty = missing(event.currentTarget);
        if (busy) return;
        if (empty.length > 0) show(empty);
        else void onSubmit(Object.fromEntries(values));
      }}
    >
      <Alert>{problem}</Alert>
      <FailuresContext value={failures}>{children}</FailuresContext>
      <button type="submit" aria-disabled={busy}>
        {busy ? "One moment …" : label}
      </button>
    </form>
  );
}

/** Always in the page, so that screen readers announce its changes. */
export function Alert({ children }: { children: string }) {
  return <div role="alert">{children && <p className="problem">{children}</p>}</div>;
}

type FieldProps = ComponentProps<"input"> & { name: string; label: string; hint?: string };

export function Field({ label, hint, ...input }: FieldProps) {
  const id = useId();
  const messages = use(FailuresContext).filter((failure) => fieldOf(failure) === input.name);
  const described = [hint && `${id}-hint`, messages.length && `${id}-errors`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {!input.required && <span className="optional"> (optional)</span>}
      </label>
      <input
        id={id}
        aria-invalid={messages.length > 0}
        aria-describedby={described || undefined}
        {...input}
      />
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {messages.length > 0 && (
        <p id={`${id}-errors`} className="error">
          {messages.map(({ message }) => message).join(" ")}
        </p>
      )}
    </div>
  );
}

/** A password field with a button that shows the password. */
export function PasswordField(props: FieldProps) {
  const [shown, setShown] = useState(false);
  return (
    <div className="password">
      <Field {...props} type={shown ? "text" : "password"} autoCapitalize="none" spellCheck={false} />
      <button type="button" className="reveal" aria-pressed={shown} onClick={() => setShown(!shown)}>
        {shown ? "Hide" : "Show"} <span className="unseen">password</span>
      </button>
    </div>
  );
}

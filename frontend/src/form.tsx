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
import type { OffersFragment, SignedInFragment } from "./__generated__/graphql";
import { useSettle, type LinkChallenge } from "./challenges";
import { fieldOf, type Failure } from "./errors";
import { Messages, useOutcome } from "./outcome";
import { duration } from "./wait";

const FailuresContext = createContext<Failure[]>([]);

/** The errors that the service would return for empty required fields. */
const missing = (form: HTMLFormElement): Failure[] =>
  [...form.querySelectorAll("input")]
    .filter(({ validity }) => validity.valueMissing)
    .map(({ name }) => ({ code: "REQUIRED", field: [name], message: "This field is required." }));

interface FormProps {
  /** Sends the values. Resolves to the failures; see `Work`. */
  submit: (values: Record<string, string>) => Promise<Failure[] | null>;
  /** The names of its fields. Errors of other fields show above the form. */
  fields: string[];
  label: string;
  /** Announced after a success. */
  success?: string;
  danger?: boolean;
  /** Empties the fields after a success. */
  clears?: boolean;
  children?: ReactNode;
}

/** A form. A field's errors show at the field, all others above the fields. */
export function Form({
  submit,
  fields,
  label,
  success = "",
  danger = false,
  clears = false,
  children,
}: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const { busy, blocked, failures, show, run, messages } = useOutcome(fields);

  useEffect(() => {
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [failures]);

  async function send(values: Record<string, string>) {
    if ((await run(() => submit(values), success)) && clears) form.current?.reset();
  }

  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const values = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]);
        const empty = missing(event.currentTarget);
        if (blocked) return;
        if (empty.length > 0) show(empty);
        else void send(Object.fromEntries(values));
      }}
    >
      <Messages {...messages} />
      <FailuresContext value={failures}>{children}</FailuresContext>
      <button type="submit" className={danger ? "danger" : undefined} aria-disabled={blocked}>
        {busy ? "One moment …" : label}
      </button>
    </form>
  );
}

type SignInFormProps = Omit<FormProps, "submit" | "success" | "danger" | "clears"> & {
  submit: (values: Record<string, string>) => Promise<SignedInFragment>;
  /** The link to make after the sign-in. */
  link?: LinkChallenge | null;
};

/** A form that signs in. */
export function SignInForm({ submit, link = null, ...form }: SignInFormProps) {
  const settle = useSettle();
  return (
    <Form
      {...form}
      submit={async (values) => {
        const outcome = await submit(values);
        return (await settle(outcome, link)) ? null : outcome.errors;
      }}
    />
  );
}

interface Labelled {
  name: string;
  label: string;
  hint?: string;
}
type FieldProps = ComponentProps<"input"> & Labelled;

const messageOf = ({ message, retryAfter }: Failure) =>
  retryAfter ? `${message} Possible again in ${duration(retryAfter)}.` : message;

/** A label, its control, its hint and its errors. */
function Control({
  name,
  label,
  hint,
  optional,
  children,
}: Labelled & { optional: boolean; children: (attributes: object) => ReactNode }) {
  const id = useId();
  const messages = use(FailuresContext).filter((failure) => fieldOf(failure) === name);
  const described = [hint && `${id}-hint`, messages.length && `${id}-errors`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {optional && <span className="optional"> (optional)</span>}
      </label>
      {children({ id, name, "aria-invalid": messages.length > 0, "aria-describedby": described || undefined })}
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {messages.length > 0 && (
        <p id={`${id}-errors`} className="error">
          {messages.map(messageOf).join(" ")}
        </p>
      )}
    </div>
  );
}

export function Field({ name, label, hint, ...input }: FieldProps) {
  return (
    <Control name={name} label={label} {...(hint && { hint })} optional={!input.required}>
      {(attributes) => <input {...attributes} {...input} />}
    </Control>
  );
}

export function SelectField({ name, label, hint, ...select }: ComponentProps<"select"> & Labelled) {
  return (
    <Control name={name} label={label} {...(hint && { hint })} optional={false}>
      {(attributes) => <select {...attributes} {...select} />}
    </Control>
  );
}

/** A box to tick. */
export function CheckField({
  label,
  checked,
  onChange,
}: {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={({ target }) => onChange(target.checked)} />
      {label}
    </label>
  );
}

/** Tells password managers which account a password is for: without an address, for one that this page does not know. */
export function ForAccount({ email = "" }: { email?: string }) {
  return <input type="email" autoComplete="username" value={email} readOnly hidden />;
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

/** The service's rules for new passwords, as soon as they are known. */
export const passwordHint = (policy?: OffersFragment["passwordPolicy"]) =>
  [
    policy && `At least ${policy.minLength} characters${policy.minStrength ? ", not easy to guess" : ""}.`,
    "A few unrelated words make a strong password.",
  ]
    .filter(Boolean)
    .join(" ");

/** A field for a mailed code. The service ignores case, spaces and dashes. */
export function CodeField() {
  return (
    <Field
      name="code"
      label="Code from the mail"
      autoComplete="one-time-code"
      autoCapitalize="characters"
      inputMode="text"
      spellCheck={false}
      required
    />
  );
}

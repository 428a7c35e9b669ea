/** The pages that mailed links open.
 *
 *  Opening one sends nothing: scanners of mails open links too. Only a press uses the link up. */
import { useEffect, useState, type ReactNode } from "react";
import type { Failure } from "./errors";
import { Form } from "./form";
import { Page } from "./page";

const KEY = "mailed-link";

interface Opened {
  path: string;
  token: string;
}

/** The same link for another page. */
export const withToken = (path: string, token: string) => `${path}#${new URLSearchParams({ token })}`;

const inAddress = () => new URLSearchParams(window.location.hash.slice(1)).get("token");

function opened(): string | null {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Opened | null;
  return inAddress() ?? (kept?.path === window.location.pathname ? kept.token : null);
}

/** The token of the link that opened this page. It moves from the address bar to the tab's storage, which survives a
 *  reload, and leaves that with the page. */
export function useMailedToken(): string | null {
  const [token, setToken] = useState(opened);

  useEffect(() => {
    function take() {
      const next = inAddress();
      if (!next) return;
      setToken(next);
      window.history.replaceState(null, "", window.location.pathname);
    }
    take();
    // The same page opened by another link does not load again.
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, []);

  useEffect(() => {
    if (!token) return;
    const opened: Opened = { path: window.location.pathname, token };
    sessionStorage.setItem(KEY, JSON.stringify(opened));
    return () => sessionStorage.removeItem(KEY);
  }, [token]);

  return token;
}

const UNUSABLE = ["INVALID_CODE", "EXPIRED_CODE"] as const;
type Reason = (typeof UNUSABLE)[number] | "MISSING";

/** Shows what to do next if the link is of no use. Returns the failures that are left to show. */
export type Check = (errors: Failure[]) => Failure[] | null;

interface MailedLinkProps {
  /** What to do if the link does not work. */
  next: ReactNode;
  children: (token: string, check: Check) => ReactNode;
}

/** Shows the children for the link's token. Without a token that works, it says what to do next. */
export function MailedLink(props: MailedLinkProps) {
  const token = useMailedToken();
  return token ? <Usable key={token} token={token} {...props} /> : <Unusable reason="MISSING" next={props.next} />;
}

function Usable({ token, next, children }: MailedLinkProps & { token: string }) {
  const [reason, setReason] = useState<Reason | null>(null);
  if (reason) return <Unusable reason={reason} next={next} />;
  return children(token, (errors) => {
    const found = UNUSABLE.find((code) => errors.some((error) => error.code === code));
    if (found) setReason(found);
    return found ? null : errors;
  });
}

const EXPLANATIONS: Record<Reason, [title: string, text: string]> = {
  MISSING: [
    "This link is not complete",
    "The link in the mail is longer than the one that was opened. Open it from the mail again, or copy all of it.",
  ],
  INVALID_CODE: [
    "This link does not work",
    "It is not complete, or it is for something else. Open it from the mail again, or copy all of it.",
  ],
  EXPIRED_CODE: [
    "This link no longer works",
    "It has been used, it is too old, or a newer mail has replaced it. Each link works once.",
  ],
};

function Unusable({ reason, next }: { reason: Reason; next: ReactNode }) {
  const [title, text] = EXPLANATIONS[reason];
  return (
    <Page title={title} narrow>
      <p>{text}</p>
      {next}
    </Page>
  );
}

interface MailedActionProps {
  title: string;
  label: string;
  danger?: boolean;
  send: (token: string) => Promise<Failure[]>;
  /** Shown after a success. */
  done: { title: string; text: ReactNode };
  next: ReactNode;
  /** What the button does, and to which account. */
  children: ReactNode;
}

/** A page with one button, which does what the link is for. */
export function MailedAction({ next, send, ...action }: MailedActionProps) {
  return (
    <MailedLink next={next}>
      {(token, check) => <Action press={async () => check(await send(token))} {...action} />}
    </MailedLink>
  );
}

export function Action({
  title,
  label,
  danger = false,
  press,
  done,
  children,
}: Omit<MailedActionProps, "send" | "next"> & { press: () => Promise<Failure[] | null> }) {
  const [isDone, setDone] = useState(false);
  if (isDone)
    return (
      <Page title={done.title} narrow>
        {done.text}
      </Page>
    );
  return (
    <Page title={title} narrow>
      {children}
      <Form
        label={label}
        fields={[]}
        danger={danger}
        submit={async () => {
          const errors = await press();
          if (errors?.length === 0) setDone(true);
          return errors;
        }}
      />
    </Page>
  );
}

import { useMutation } from "@apollo/client/react";
import { useId, useState } from "react";
import { DeleteAccountDocument, ExportAccountDocument } from "../__generated__/graphql";
import { useChange } from "../change";
import { day } from "../dates";
import { useDialog } from "../dialog";
import { Field, Form } from "../form";
import { Messages, useOutcome } from "../outcome";
import { save } from "../save";
import { Section } from "./section";

/** The account's data to take along, and the end of the account. */
export function Leaving({
  username,
  onSignedOut,
}: {
  username: string;
  onSignedOut: (text: string) => Promise<void>;
}) {
  const change = useChange();
  const [exportAccount] = useMutation(ExportAccountDocument, { fetchPolicy: "no-cache" });
  const { busy, blocked, run, messages } = useOutcome();
  const [deleting, setDeleting] = useState(false);

  const download = () =>
    run(async () => {
      const payload = await change(async () => (await exportAccount()).data!.exportAccount);
      if (payload?.errors.length === 0)
        save(
          `account-${new Date().toISOString().slice(0, 10)}.json`,
          JSON.stringify(payload.data, null, 2),
          "application/json",
        );
      return payload && payload.errors;
    }, "Your data is in your downloads.");

  return (
    <Section title="Your data">
      <Messages {...messages} />
      <p>Download everything that we store about you, as a JSON file.</p>
      <div className="choices">
        <button type="button" className="secondary" aria-disabled={blocked} onClick={() => void download()}>
          {busy ? "One moment …" : "Download your data"}
        </button>
      </div>
      <p>Deleting your account removes it and its data, and signs you out everywhere.</p>
      <div className="choices">
        <button type="button" className="secondary danger" onClick={() => setDeleting(true)}>
          Delete account …
        </button>
      </div>
      {deleting && (
        <DeleteDialog username={username} onSignedOut={onSignedOut} onEnd={() => setDeleting(false)} />
      )}
    </Section>
  );
}

function DeleteDialog({
  username,
  onSignedOut,
  onEnd,
}: {
  username: string;
  onSignedOut: (text: string) => Promise<void>;
  onEnd: () => void;
}) {
  const change = useChange();
  const [deleteAccount] = useMutation(DeleteAccountDocument, { fetchPolicy: "no-cache" });
  const { dialog, close } = useDialog(onEnd);
  const title = useId();
  return (
    <dialog ref={dialog} aria-labelledby={title}>
      <h2 id={title}>Delete your account?</h2>
      <p>
        Your profile, your linked accounts and your sessions are deleted. You cannot undo this, unless this service keeps
        deleted accounts for some days: then we mail you a link that undoes it.
      </p>
      <Form
        label="Delete account"
        fields={["confirmation"]}
        danger
        submit={async ({ confirmation = "" }) => {
          if (confirmation.trim() !== username)
            return [{ field: ["confirmation"], message: `Type ${username} to confirm.` }];
          const payload = await change(async () => (await deleteAccount()).data!.deleteAccount, {
            last: true,
          });
          if (payload?.errors.length === 0) await onSignedOut(farewell(payload.scheduledFor));
          return payload && payload.errors;
        }}
      >
        <Field
          name="confirmation"
          label={`Type your username, ${username}, to confirm`}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          required
        />
      </Form>
      <button type="button" className="quiet" onClick={() => close(false)}>
        Keep account
      </button>
    </dialog>
  );
}

function farewell(scheduledFor: string | null): string {
  const isLater = scheduledFor !== null && Date.parse(scheduledFor) > Date.now() + 60_000;
  return isLater
    ? `Your account is closed, and will be deleted on ${day(scheduledFor)}. Until then, the link that we have mailed you undoes this.`
    : "Your account is deleted.";
}

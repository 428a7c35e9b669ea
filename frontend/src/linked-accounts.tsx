import { useMutation } from "@apollo/client/react";
import { useRef, useState } from "react";
import { UnlinkDocument, type LinkedAccountsFragment } from "./__generated__/graphql";
import { moment } from "./dates";
import { describe } from "./errors";
import { Alert } from "./form";

type Linked = LinkedAccountsFragment["socialAccounts"][number];

/** The linked provider accounts, each with a button to unlink it. */
export function LinkedAccounts({ accounts }: { accounts: Linked[] }) {
  const [unlink] = useMutation(UnlinkDocument);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [done, setDone] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);

  async function remove({ id, label }: Linked) {
    setBusy(true);
    setProblem("");
    setDone("");
    try {
      const { account, errors } = (await unlink({ variables: { input: { id } } })).data!.unlinkSocialAccount;
      setProblem(errors.map(({ message }) => message).join(" "));
      if (account) {
        setDone(`${label} is unlinked.`);
        // The button disappears, so move the focus.
        heading.current?.focus();
      }
    } catch (error) {
      setProblem(describe(error));
    }
    setBusy(false);
  }

  return (
    <section aria-labelledby="linked" className="linked">
      <h2 id="linked" ref={heading} tabIndex={-1}>
        Linked accounts
      </h2>
      <Alert>{problem}</Alert>
      <div role="status">{done && <p className="notice">{done}</p>}</div>
      {accounts.length === 0 && <p className="hint">No linked accounts.</p>}
      <ul className="rows">
        {accounts.map((account) => (
          <li key={account.id}>
            <span className="person">
              <strong>{account.label}</strong>
              <span>
                <bdi>{account.email}</bdi>
              </span>
            </span>
            <span className="hint">
              {account.lastUsedAt ? "Last used " : "Linked "}
              <time dateTime={account.lastUsedAt ?? account.createdAt}>
                {moment(account.lastUsedAt ?? account.createdAt)}
              </time>
            </span>
            <button
              type="button"
              className="secondary"
              aria-disabled={busy}
              onClick={() => !busy && void remove(account)}
            >
              Unlink <span className="unseen">{`${account.label} ${account.email ?? ""}`.trim()}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

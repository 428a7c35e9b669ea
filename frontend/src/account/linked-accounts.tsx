import { useMutation } from "@apollo/client/react";
import { useEffect, useRef } from "react";
import { LinkDocument, UnlinkDocument, type LinkedAccountsFragment } from "../__generated__/graphql";
import { useChange } from "../change";
import { useCredential } from "../credential";
import { moment } from "../dates";
import { Messages, useOutcome } from "../outcome";
import { isUsable, preload, type Provider } from "../providers";
import { Section } from "./section";

type Linked = LinkedAccountsFragment["socialAccounts"][number];

/** The linked provider accounts, each with a button to unlink it, and a button for each other provider. */
export function LinkedAccounts({ accounts, providers }: { accounts: Linked[]; providers: Provider[] }) {
  const change = useChange();
  const credential = useCredential();
  const [unlink] = useMutation(UnlinkDocument);
  const [link] = useMutation(LinkDocument);
  const { blocked, ask, run, messages } = useOutcome();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => preload(providers), [providers]);
  const others = providers.filter(
    (provider) => isUsable(provider) && !accounts.some((account) => account.provider === provider.name),
  );

  async function remove({ id, label }: Linked) {
    const removed = await run(async () => {
      const variables = { input: { id } };
      const payload = await change(async () => (await unlink({ variables })).data!.unlinkSocialAccount);
      return payload && payload.errors;
    }, `${label} is unlinked.`);
    // The button disappears, so move the focus.
    if (removed) heading.current?.focus();
  }

  async function add(provider: Provider) {
    const { label } = provider;
    const fresh = await ask(
      () => credential(provider, "SELECT_ACCOUNT"),
      `Continue in the window of ${label}.`,
    );
    if (!fresh) return;
    await run(async () => {
      const variables = { input: { source: { credential: fresh } } };
      const payload = await change(async () => (await link({ variables })).data!.linkSocialAccount);
      return payload && payload.errors;
    }, `${label} is linked to your account.`);
  }

  return (
    <Section title="Linked accounts" heading={heading}>
      <Messages {...messages} />
      {accounts.length === 0 ? (
        <p className="hint">No linked accounts.</p>
      ) : (
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
                aria-disabled={blocked}
                onClick={() => void remove(account)}
              >
                Unlink <span className="unseen">{`${account.label} ${account.email ?? ""}`.trim()}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <div className="choices">
          {others.map((provider) => (
            <button
              key={provider.name}
              type="button"
              className="secondary"
              aria-disabled={blocked}
              onClick={() => void add(provider)}
            >
              Link {provider.label}
            </button>
          ))}
        </div>
      )}
    </Section>
  );
}

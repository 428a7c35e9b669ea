/** The part of the account page about passkeys. */
import { useMutation } from "@apollo/client/react";
import { useEffect, useRef, useState } from "react";
import {
  RemovePasskeyDocument,
  RenamePasskeyDocument,
  type PasskeysFragment,
} from "../__generated__/graphql";
import { Section } from "../account/section";
import { useChange } from "../change";
import { day, moment } from "../dates";
import type { Failure } from "../errors";
import { Field, Form } from "../form";
import { Messages, useOutcome } from "../outcome";
import { RecoveryCodes } from "../recovery-codes";
import AddPasskeyButton from "./add-button";
import { tell, useAddition, type Added } from "./ceremonies";
import { takePassword } from "./password-use";
import { isSupported } from "./supported";
import { stop } from "./webauthn";

type Passkey = PasskeysFragment["passkeys"][number];

export default function Passkeys({ account }: { account: PasskeysFragment }) {
  const change = useChange();
  const [remove] = useMutation(RemovePasskeyDocument);
  const [renaming, setRenaming] = useState("");
  const [news, setNews] = useState("");
  /** Those that come with the first factor. */
  const [codes, setCodes] = useState<string[]>([]);
  const { blocked, run, messages } = useOutcome();
  const heading = useRef<HTMLHeadingElement>(null);
  const { passkeys } = account;

  // After each sign-in, addition and removal. Other browsers may have changed the list too.
  const known = passkeys.map(({ credentialId }) => credentialId).join();
  useEffect(() => tell(account), [known]);

  function show({ account, passkey, recoveryCodes }: Added) {
    if (account) tell(account);
    const { name, canSignIn } = passkey!;
    setNews(`${name} is added. You can ${canSignIn ? "sign in with it" : "use it as second step"} from now on.`);
    setCodes(recoveryCodes);
  }
  useAutomatic(show);

  async function end({ id, name }: Passkey) {
    setNews("");
    const removed = await run(async () => {
      const variables = { input: { id } };
      const payload = await change(async () => (await remove({ variables })).data!.removePasskey);
      return payload && payload.errors.map(goneElsewhere);
    }, `${name} is removed.`);
    // The button disappears, so move the focus.
    if (removed) heading.current?.focus();
  }

  function renamed(text: string) {
    setRenaming("");
    setNews(text);
    heading.current?.focus();
  }
  /** The row disappears, and its form with it. */
  function gone(failures: Failure[]) {
    renamed("");
    void run(async () => failures);
  }

  return (
    <Section title="Passkeys" heading={heading}>
      <p>
        A passkey signs you in with your fingerprint, your face or the screen lock of your device: without a password,
        and safe from false pages.
      </p>
      <Messages {...messages} />
      <div role="status">{news && <p className="notice">{news}</p>}</div>
      {codes.length > 0 && (
        <>
          <RecoveryCodes codes={codes} />
          <div className="choices">
            <button type="button" onClick={() => (setCodes([]), heading.current?.focus())}>
              I have saved them
            </button>
          </div>
        </>
      )}
      {passkeys.length === 0 ? (
        <p className="hint">No passkeys.</p>
      ) : (
        <ul className="rows">
          {passkeys.map((passkey) =>
            passkey.id === renaming ? (
              <li key={passkey.id} className="whole">
                <Rename passkey={passkey} onEnd={renamed} onGone={gone} />
              </li>
            ) : (
              <li key={passkey.id}>
                <span className="person">
                  <strong>
                    <bdi>{passkey.name}</bdi>
                  </strong>
                  <span>
                    {passkey.isSynced ? "Synced to your devices" : "On one device"}
                    {!passkey.canSignIn && " · second step only"}
                  </span>
                </span>
                <span className="hint">
                  Added <time dateTime={passkey.createdAt}>{day(passkey.createdAt)}</time>
                  {passkey.lastUsedAt && (
                    <>
                      , last used <time dateTime={passkey.lastUsedAt}>{moment(passkey.lastUsedAt)}</time>
                    </>
                  )}
                </span>
                <span className="choices">
                  <button type="button" className="secondary" onClick={() => (setNews(""), setRenaming(passkey.id))}>
                    Rename <span className="unseen">{passkey.name}</span>
                  </button>
                  <button
                    type="button"
                    className="secondary"
                    aria-disabled={blocked}
                    onClick={() => void end(passkey)}
                  >
                    Remove <span className="unseen">{passkey.name}</span>
                  </button>
                </span>
              </li>
            ),
          )}
        </ul>
      )}
      <div className="part">
        <AddPasskeyButton sending={change} onAdded={show} secondary>
          Add a passkey
        </AddPasskeyButton>
      </div>
    </Section>
  );
}

/** The service says "Not found". */
const goneElsewhere = (failure: Failure): Failure =>
  failure.code === "NOT_FOUND" ? { ...failure, message: "This passkey has been removed in another browser." } : failure;

interface RenameProps {
  passkey: Passkey;
  onEnd: (text: string) => void;
  /** Another browser has removed the passkey. */
  onGone: (failures: Failure[]) => void;
}

function Rename({ passkey: { id, name }, onEnd, onGone }: RenameProps) {
  const change = useChange();
  const [rename] = useMutation(RenamePasskeyDocument);
  return (
    <div className="part">
      <Form
        label="Save name"
        fields={["name"]}
        submit={async ({ name = "" }) => {
          const payload = await change(
            async () => (await rename({ variables: { input: { id, name } } })).data!.renamePasskey,
          );
          if (payload?.errors.length === 0) onEnd("The passkey has a new name.");
          if (payload?.errors.some(({ code }) => code === "NOT_FOUND")) onGone(payload.errors.map(goneElsewhere));
          return payload && payload.errors;
        }}
      >
        <Field name="name" label="Name of the passkey" defaultValue={name} autoComplete="off" autoFocus required />
      </Form>
      <button type="button" className="quiet" onClick={() => onEnd("")}>
        Cancel
      </button>
    </div>
  );
}

/** After a sign-in with a password, lets browsers that can do so make a passkey without asking. They tell the user. */
function useAutomatic(onAdded: (added: Added) => void) {
  const add = useAddition();
  useEffect(() => {
    let isOver = false;
    async function offer() {
      if (!isSupported() || !(await PublicKeyCredential.getClientCapabilities?.())?.conditionalCreate) return;
      if (isOver || !takePassword()) return;
      const added = await add({ automatic: true });
      if (added?.passkey && !isOver) onAdded(added);
    }
    offer().catch(() => {}); // the user has not asked for it
    return () => {
      isOver = true;
      stop();
    };
  }, []);
}

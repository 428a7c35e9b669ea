import { useMutation } from "@apollo/client/react";
import { useRef } from "react";
import {
  RevokeAllSessionsDocument,
  RevokeOtherSessionsDocument,
  RevokeSessionDocument,
  type SessionsFragment,
} from "../__generated__/graphql";
import { useChange } from "../change";
import { moment } from "../dates";
import { Messages, useOutcome } from "../outcome";
import { Section } from "./section";

type Session = SessionsFragment["sessions"]["nodes"][number];

const nameOf = ({ device }: Session) => device || "Unknown device";

/** Where the account is signed in. Ending sessions needs no confirmation: a victim has to be quick. */
export function Sessions({
  sessions,
  onSignedOut,
}: {
  sessions: Session[];
  onSignedOut: (text: string) => Promise<void>;
}) {
  const change = useChange();
  const [revoke] = useMutation(RevokeSessionDocument);
  const [revokeOthers] = useMutation(RevokeOtherSessionsDocument);
  const [revokeAll] = useMutation(RevokeAllSessionsDocument);
  const { blocked, run, messages } = useOutcome();
  const heading = useRef<HTMLHeadingElement>(null);
  const others = sessions.filter(({ isCurrent }) => !isCurrent);

  async function end({ id }: Session) {
    const ended = await run(async () => {
      const payload = await change(
        async () =>
          (
            await revoke({
              variables: { input: { id } },
              update: (cache) => void cache.evict({ id: cache.identify({ __typename: "Session", id })! }),
            })
          ).data!.revokeSession,
      );
      return payload && payload.errors;
    }, "The session has ended.");
    // The button disappears, so move the focus.
    if (ended) heading.current?.focus();
  }

  async function endOthers() {
    const ended = await run(async () => {
      const payload = await change(async () => (await revokeOthers()).data!.revokeOtherSessions);
      return payload && payload.errors;
    }, "All other sessions have ended.");
    if (ended) heading.current?.focus();
  }

  async function endAll() {
    await run(async () => {
      const payload = await change(async () => (await revokeAll()).data!.revokeAllSessions, {
        last: true,
      });
      if (payload?.errors.length === 0) await onSignedOut("You are signed out everywhere.");
      return payload && payload.errors;
    });
  }

  return (
    <Section title="Where you are signed in" heading={heading}>
      <Messages {...messages} />
      <ul className="rows">
        {sessions.map((session) => (
          <li key={session.id}>
            <span className="person">
              <strong>
                <bdi>{nameOf(session)}</bdi>
              </strong>
              <span>
                {session.clientName}
                {session.ipAddress && ` · ${session.ipAddress}`}
              </span>
              {session.remembersBrowser && <span>Signs in without the second step</span>}
            </span>
            <span className="hint">
              Last used <time dateTime={session.lastUsedAt}>{moment(session.lastUsedAt)}</time>
            </span>
            {session.isCurrent ? (
              <span className="tag">this session</span>
            ) : (
              <button
                type="button"
                className="secondary"
                aria-disabled={blocked}
                onClick={() => void end(session)}
              >
                End{" "}
                <span className="unseen">
                  the session on {nameOf(session)}, last used {moment(session.lastUsedAt)}
                </span>
              </button>
            )}
          </li>
        ))}
      </ul>
      <div className="choices">
        {others.length > 0 && (
          <button type="button" className="secondary" aria-disabled={blocked} onClick={() => void endOthers()}>
            End all other sessions
          </button>
        )}
        <button type="button" className="secondary" aria-disabled={blocked} onClick={() => void endAll()}>
          Sign out everywhere
        </button>
      </div>
    </Section>
  );
}

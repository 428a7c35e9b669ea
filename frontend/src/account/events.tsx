import { useApolloClient } from "@apollo/client/react";
import { useRef } from "react";
import { MoreEventsDocument, type EventsFragment } from "../__generated__/graphql";
import { moment } from "../dates";
import { Messages, useOutcome } from "../outcome";
import { Section } from "./section";

/** What happened to the account's security, newest first. */
export function Events({ events }: { events: EventsFragment["securityEvents"] }) {
  const client = useApolloClient();
  const { busy, blocked, run, messages } = useOutcome();
  const count = useRef<HTMLParagraphElement>(null);
  const { edges, pageInfo } = events;

  async function more() {
    await run(async () => {
      const { data } = await client.query({
        query: MoreEventsDocument,
        variables: { after: pageInfo.endCursor },
        fetchPolicy: "network-only", // the cache merges the pages
      });
      // The button disappears, so move the focus.
      if (!data?.me?.securityEvents.pageInfo.hasNextPage) count.current?.focus();
      return [];
    });
  }

  return (
    <Section title="Recent activity">
      {edges.length > 0 && (
        <ul className="rows">
          {edges.map(({ node }) => (
            <li key={node.id} className="event">
              <span className="person">
                <strong>{node.message}</strong>
                {node.ipAddress && <span>{node.ipAddress}</span>}
              </span>
              <time dateTime={node.createdAt} className="hint">
                {moment(node.createdAt)}
              </time>
            </li>
          ))}
        </ul>
      )}
      <p role="status" ref={count} tabIndex={-1} className="hint">
        {edges.length === 0
          ? "No activity."
          : `Showing ${pageInfo.hasNextPage ? "" : "all "}${edges.length}.`}
      </p>
      <Messages {...messages} />
      {pageInfo.hasNextPage && (
        <div className="choices">
          <button type="button" className="secondary" aria-disabled={blocked} onClick={() => void more()}>
            {busy ? "One moment …" : "Show more activity"}
          </button>
        </div>
      )}
    </Section>
  );
}

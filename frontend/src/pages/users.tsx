import { useQuery } from "@apollo/client/react";
import { useRef, useState } from "react";
import { UsersDocument } from "../__generated__/graphql";
import { day } from "../dates";
import { describe } from "../errors";
import { Alert } from "../outcome";
import { Page } from "../page";
import { Result } from "../result";

export function Users() {
  const { data, error, fetchMore, refetch } = useQuery(UsersDocument);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const count = useRef<HTMLParagraphElement>(null);
  const users = data?.users;

  async function more(after: string | null) {
    setBusy(true);
    setProblem("");
    try {
      const { data } = await fetchMore({ variables: { after } });
      // The button disappears, so move the focus.
      if (!data?.users?.pageInfo.hasNextPage) count.current?.focus();
    } catch (error) {
      setProblem(describe(error));
    }
    setBusy(false);
  }

  return (
    <Page title="Users">
      <Result error={error} ready={Boolean(users)} retry={refetch}>
        <ul className="users">
          {users?.edges.map(({ node }) => (
            <li key={node.id}>
              <span className="initial" aria-hidden="true">
                {Array.from(node.username)[0]?.toUpperCase()}
              </span>
              <span className="person">
                <strong>
                  <bdi>{node.username}</bdi>
                </strong>
                <span>
                  <bdi>{`${node.firstName ?? ""} ${node.lastName ?? ""}`.trim()}</bdi>
                </span>
              </span>
              <time dateTime={node.dateJoined}>{day(node.dateJoined)}</time>
            </li>
          ))}
        </ul>
        <p role="status" ref={count} tabIndex={-1} className="hint">
          Showing {users?.pageInfo.hasNextPage ? "" : "all "}
          {users?.edges.length}.
        </p>
        <Alert>{problem}</Alert>
        {users?.pageInfo.hasNextPage && (
          <button
            type="button"
            className="secondary"
            aria-disabled={busy}
            onClick={() => !busy && void more(users.pageInfo.endCursor)}
          >
            {busy ? "One moment …" : "Show more"}
          </button>
        )}
      </Result>
    </Page>
  );
}

import { useQuery } from "@apollo/client/react";
import { MeDocument } from "../__generated__/graphql";
import type { Notice } from "../challenges";
import { day, moment } from "../dates";
import { Alert } from "../form";
import { LinkedAccounts } from "../linked-accounts";
import { Page } from "../page";
import { Result } from "../result";

export function Me({ notice }: { notice: Notice | null }) {
  const { data, error, refetch } = useQuery(MeDocument);
  const me = data?.me;
  return (
    <Page title="Your account">
      <div role="status">{notice && !notice.isProblem && <p className="notice">{notice.text}</p>}</div>
      <Alert>{notice?.isProblem ? notice.text : ""}</Alert>
      <Result error={error} ready={Boolean(me)} retry={refetch}>
        {me && (
          <>
            <dl>
              <dt>Name</dt>
              <dd>
                <bdi>{`${me.firstName} ${me.lastName}`.trim()}</bdi>
              </dd>
              <dt>Username</dt>
              <dd>
                <bdi>{me.username}</bdi>
              </dd>
              <dt>E-mail</dt>
              <dd>
                <bdi>{me.email}</bdi> {!me.emailVerified && <span className="tag">not verified</span>}
              </dd>
              <dt>Member since</dt>
              <dd>
                <time dateTime={me.dateJoined}>{day(me.dateJoined)}</time>
              </dd>
              {me.lastLogin && (
                <>
                  <dt>Last sign-in</dt>
                  <dd>
                    <time dateTime={me.lastLogin}>{moment(me.lastLogin)}</time>
                  </dd>
                </>
              )}
            </dl>
            <LinkedAccounts accounts={me.socialAccounts} />
          </>
        )}
      </Result>
    </Page>
  );
}

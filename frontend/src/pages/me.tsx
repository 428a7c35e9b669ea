import { useQuery } from "@apollo/client/react";
import { MeDocument } from "../__generated__/graphql";
import { day, moment } from "../dates";
import { Page } from "../page";
import { Result } from "../result";

export function Me() {
  const { data, error, refetch } = useQuery(MeDocument);
  const me = data?.me;
  return (
    <Page title="Your account">
      <Result error={error} ready={Boolean(me)} retry={refetch}>
        {me && (
          <dl>
            <dt>Name</dt>
            <dd>{`${me.firstName} ${me.lastName}`.trim()}</dd>
            <dt>Username</dt>
            <dd>{me.username}</dd>
            <dt>E-mail</dt>
            <dd>
              {me.email} {!me.emailVerified && <span className="tag">not verified</span>}
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
        )}
      </Result>
    </Page>
  );
}

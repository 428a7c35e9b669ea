import { useQuery } from "@apollo/client/react";
import { MeDocument } from "../__generated__/graphql";
import { Address, Confirmation } from "../account/address";
import { Events } from "../account/events";
import { Leaving } from "../account/leaving";
import { LinkedAccounts } from "../account/linked-accounts";
import { Password } from "../account/password";
import { Profile } from "../account/profile";
import { Sessions } from "../account/sessions";
import { TwoStep } from "../account/two-step";
import type { Notice } from "../challenges";
import { day, moment } from "../dates";
import { Alert } from "../outcome";
import { Page } from "../page";
import { Passkeys } from "../passkeys/parts";
import { Reauthentication } from "../reauthentication";
import { Result } from "../result";

interface AccountProps {
  notice: Notice | null;
  /** Ends the session here too, and says why. */
  onSignedOut: (text: string) => Promise<void>;
}

export function Account({ notice, onSignedOut }: AccountProps) {
  // A refetch after a change must not get the answer to a query that was sent before it.
  const { data, error, refetch } = useQuery(MeDocument, { context: { queryDeduplication: false } });
  const me = data?.me;
  const config = data?.authConfig;
  return (
    <Page title="Your account">
      <div role="status">{notice && !notice.isProblem && <p className="notice">{notice.text}</p>}</div>
      <Alert>{notice?.isProblem ? notice.text : ""}</Alert>
      <Result error={error} ready={Boolean(me)} retry={refetch}>
        {me && config && (
          <Reauthentication account={me} providers={config.socialProviders} refresh={refetch}>
            {config.emailVerification !== "NONE" && <Confirmation account={me} />}
            <dl>
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
            <Profile account={me} />
            <Address account={me} />
            <Password account={me} policy={config.passwordPolicy} />
            <TwoStep account={me} />
            <Passkeys account={me} />
            <LinkedAccounts accounts={me.socialAccounts} providers={config.socialProviders} />
            <Sessions sessions={me.sessions.nodes} onSignedOut={onSignedOut} />
            <Events events={me.securityEvents} />
            <Leaving username={me.username} onSignedOut={onSignedOut} />
          </Reauthentication>
        )}
      </Result>
    </Page>
  );
}

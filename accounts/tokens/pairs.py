"""Issue, refresh and revoke pairs of tokens."""

import uuid
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

from django.db import transaction
from oauthlib.oauth2 import InvalidGrantError

from accounts.conf import latchkey
from accounts.errors import AccountsError
from accounts.factors import remembering
from accounts.factors.remembering import BrowserToken
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.caller import Caller
from accounts.shared.statements import Update, parameter
from accounts.tokens import devices, rows
from accounts.tokens.clients import ClientGrant, authenticate_client
from accounts.tokens.errors import InvalidClient, InvalidGrant, InvalidScope
from accounts.tokens.exchange import Exchange, oauthlib_request
from accounts.tokens.families import end_family, issued_to
from accounts.tokens.grants import limited, record_refusal
from accounts.tokens.models import AuthenticationMethod, RefreshTokenTransport, Session
from accounts.tokens.rotation import Pair, Refused, Traded, begin, trade
from accounts.tokens.server import server
from accounts.tokens.signals import signing_in

REFUSALS: dict[str, type[AccountsError]] = {"invalid_grant": InvalidGrant, "invalid_scope": InvalidScope}
"""Our failure for each error code of a refused trade (RFC 6749 §5.2)."""


@dataclass(frozen=True, kw_only=True)
class TokenSet:
    """A pair of tokens (RFC 6749 §5.1), and what the browser keeps beside it; durations in seconds."""

    access_token: str = field(repr=False)
    expires_in: int
    scope: str
    refresh_token: str = field(repr=False)
    refresh_token_expires_in: int
    browser: BrowserToken | None = None
    """The new token of a browser that is remembered."""
    token_type: ClassVar[str] = "Bearer"  # noqa: S105 - a scheme


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """The outcome of a refresh."""

    account: Account
    tokens: TokenSet


_sign_in = Update(
    Account,
    lambda: Account.objects.filter(
        pk=parameter(Account, "id"), is_active=True, session_epoch=parameter(Account, "session_epoch")
    ),
    last_login=parameter(Account, "last_login"),
)


def issue(
    *,
    account: Account,
    grant: ClientGrant,
    caller: Caller,
    methods: tuple[AuthenticationMethod, ...] = (),
    is_new: bool = False,
    second_factor: bool = False,
    remember_browser: bool = False,
) -> TokenSet:
    """Begin a session of the account with the client, set `last_login`, and return the first pair.

    An account has at most SESSIONS_PER_ACCOUNT sessions: the least recently used one ends when one more begins.

    The holder is told of a sign-in from a new device.

    `methods` says with what the holder proved who they are just now; without any, the session is never fresh enough for
    sensitive changes. `is_new` says whether this sign-in has made the account. `second_factor` says that the holder has
    shown a second factor elsewhere, or needs none here; one among the methods is enough without it. `remember_browser`
    asks not to be asked for one in this browser for a while: the COOKIE transport only, and where MFA_REMEMBER_DAYS
    allows it.

    Call it once the account's holder is authenticated, also from your own code (a migration, an impersonation tool,
    another way to sign in). Raises AccountDisabled; InvalidGrant if the account's sessions ended since it was read:
    authenticate again. Raises ChallengeRequired if the sign-in has to show a second factor, or to set one up: in a
    transaction, use `challenges.transactions.keeping_steps`.
    """
    relies_on_browser = False
    if not second_factor:
        answers = signing_in.send(
            sender=Account, account=account, grant=grant, caller=caller, methods=methods, is_new=is_new
        )
        relies_on_browser = any(answer for _receiver, answer in answers)
    return _issue(
        account,
        grant,
        caller,
        methods,
        relies_on_browser=relies_on_browser,
        remember_browser=remember_browser,
    )


@transaction.atomic
def _issue(
    account: Account,
    grant: ClientGrant,
    caller: Caller,
    methods: tuple[AuthenticationMethod, ...],
    *,
    relies_on_browser: bool,
    remember_browser: bool,
) -> TokenSet:
    now = clock.now()
    # Since it was read, the account may have been disabled, got another password, or been taken over by the holder of
    # its address (S9, S10, S13). Each of these begins another epoch, under the lock that this update takes.
    if not _sign_in(id=account.pk, session_epoch=account.session_epoch, last_login=now):
        # Or deleted: then authenticating again finds none, or creates another.
        raise AccountDisabled if Account.objects.filter(pk=account.pk, is_active=False).exists() else InvalidGrant
    devices.tell_if_new(account, client=grant.client, caller=grant.end_user(caller))
    account.last_login = now
    session, browser = uuid.uuid4(), None
    pair = begin(
        account=account,
        client=grant.client,
        scope=" ".join(grant.scopes),
        methods=methods,
        end_user=grant.end_user(caller),
        key=session,
    )
    # Afterwards: sessions, of which the oldest may have to end, are locked before browsers.
    if grant.transport == RefreshTokenTransport.COOKIE:
        browser = _remembered(account, session, caller.browser_token, anew=remember_browser)
    if relies_on_browser and browser is None:
        # It was forgotten just now, or its token used by another sign-in: then this one shows a factor.
        raise InvalidGrant
    return _token_set(pair, session_ends_in=latchkey().session_lifetime, browser=browser)


def _remembered(account: Account, session: uuid.UUID, token: str, *, anew: bool) -> BrowserToken | None:
    """What the browser keeps from now on; None if it is not remembered."""
    if anew and latchkey().mfa_remember_days:
        return remembering.remember(account, session=session, instead_of=token)
    return remembering.renew(token, account, session=session)


def refresh(
    *,
    refresh_token: str,
    client_id: str | None = None,
    client_secret: str | None = None,
    scope: str | None = None,
    caller: Caller,
) -> Refreshed:
    """Trade a refresh token for the next pair (RFC 6749 §6).

    Without `client_id`, the client is the one of the token. Raises InvalidGrant, InvalidClient, InvalidScope,
    RateLimited. Call outside a transaction.
    """
    presented = rows.find(refresh_token)
    named = client_id or (presented.client.client_id if presented else issued_to(refresh_token))
    try:
        client = authenticate_client(
            client_id=named, client_secret=client_secret, known=presented.client if presented else None
        )
    except InvalidClient as refusal:
        # Afterwards, so that a refresh that succeeds is counted once. The event does not repeat the stranger's words.
        with limited(caller, client=named or ""):
            events.record_failure(EventType.REFRESH_REFUSED, subject=None, caller=caller, cause=refusal.code)
            raise
    exchange = Exchange(client=client, authenticated=client, caller=caller)
    passes = presented is not None and presented.live and presented.client.pk == client.pk

    def outcome() -> Traded:
        traded = trade(presented, client=client, scope=scope or "", end_user=exchange.end_user)
        if isinstance(traded, Refused):
            record_refusal(replace(exchange, holder=traded.holder, cause=traded.cause), traded.error)
            raise REFUSALS[traded.error]
        return traded

    limit = partial(limited, exchange.end_user, client=client.client_id, passes=lambda: passes)
    if passes:
        # It passes even an exhausted limit, and would give its attempt back: only a refusal counts.
        try:
            traded = outcome()
        except AccountsError:
            with limit():
                raise
    else:
        with limit():
            traded = outcome()
    session_ends_in = round((traded.session_expires_at - clock.now()).total_seconds())
    return Refreshed(account=traded.account, tokens=_token_set(traded.pair, session_ends_in=session_ends_in))


def revoke(
    *,
    token: str,
    client_id: str | None = None,
    client_secret: str | None = None,
    caller: Caller,
) -> None:
    """End the session that an access or refresh token belongs to; unknown tokens are no error (RFC 7009 §2.2).

    Raises InvalidClient, also if the token is another client's (§2.1): it would live on behind a success.
    """
    named = client_id or issued_to(token)
    with events.failures(EventType.SESSION_END_REFUSED, subject=lambda: None, caller=caller):
        client = authenticate_client(client_id=named, client_secret=client_secret)
        try:
            request = oauthlib_request(Exchange(client=client, authenticated=client, caller=caller))
            server().request_validator.revoke_token(token, "", request)
        except InvalidGrantError as error:
            raise InvalidClient(field=("client_id",)) from error


def end_session(session: Session) -> None:
    """Throw a session out: its tokens stop working at once, including those of a refresh under way.

    Its browser is asked for a second factor again.
    """
    end_family(session.token_family, forgets_browser=True)


def _token_set(pair: Pair, *, session_ends_in: int, browser: BrowserToken | None = None) -> TokenSet:
    idle = pair.expires_in + latchkey().refresh_token_idle_lifetime
    return TokenSet(
        access_token=pair.access_token,
        expires_in=pair.expires_in,
        scope=pair.scope,
        refresh_token=pair.refresh_token,
        refresh_token_expires_in=min(idle, session_ends_in),
        browser=browser,
    )

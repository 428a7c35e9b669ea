"""Finds the account of a request's access token, with one statement."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import router
from django.db.models import OuterRef, QuerySet, Subquery
from oauth2_provider.models import get_access_token_model

from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.statements import Select, columns, parameter
from accounts.tokens.errors import InsufficientScope, InvalidToken
from accounts.tokens.families import checksum
from accounts.tokens.models import Session

AccessToken = get_access_token_model()

API_SCOPE = "account"
HOW_TO_PRESENT = "The form is Authorization: Bearer <access token>"
TOKEN_FIELDS = (
    "pk",
    "expires",
    "unused_in",
    "scope",
    "resource",
    "application_id",
    "application__client_id",
    "application__first_party",
)
ACCOUNT_FIELDS = columns(Account)


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """A live access token that opens this API, with its account."""

    account: Account
    token_id: int
    client_id: int
    """The primary key of its client."""
    client_name: str
    """Its `client_id` (RFC 6749 §2.2)."""


def presented_token(authorization: str | None) -> str | None:
    """The token of an Authorization header (RFC 6750 §2.1); None without a header or with another scheme.

    Raises InvalidToken for a malformed Bearer header: the caller must not be treated as signed out.
    """
    scheme, *credentials = (authorization or "").split()[:3] or [""]
    if scheme.lower() != "bearer":
        return None
    if len(credentials) != 1:
        raise InvalidToken(f"The Authorization header is malformed. {HOW_TO_PRESENT}")
    return credentials[0]


def hint_for(authorization: str | None) -> str:
    """A hint for developers if the header was ignored because its scheme is not Bearer, otherwise empty.

    It never repeats the header, which may be a token. `Basic` is left alone: it is for a proxy in front.
    """
    scheme = next(iter((authorization or "").split(maxsplit=1)), "bearer")
    if scheme.lower() in {"bearer", "basic"}:
        return ""
    return f"The Authorization header was ignored: its scheme is not Bearer. {HOW_TO_PRESENT}"


def authenticate(authorization: str | None) -> Bearer | None:
    """The bearer of the presented token; None without a token. Raises InvalidToken, InsufficientScope."""
    presented = presented_token(authorization)
    if presented is None:
        return None
    row = _look_up.first(token_checksum=checksum(presented))
    if row is None:
        raise InvalidToken("The access token is unknown or was revoked.")
    token_id, expires, unused_in, scope, resource, client_id, client_name, first_party, *account_row = row
    if expires <= clock.now():
        raise InvalidToken("The access token has expired.")
    account = Account.from_db(router.db_for_read(Account), ACCOUNT_FIELDS, account_row) if account_row[0] else None
    if account is None or not account.is_active:
        raise InvalidToken("The account does not exist or is disabled.")
    if resource:
        # It was narrowed to other resource servers (RFC 8707).
        raise InvalidToken("The access token is not for this API.")
    if unused_in is not None:
        mark_used(token_id, unused_in)
    if API_SCOPE not in scope.split() or not first_party:
        raise InsufficientScope(f"The access token lacks the scope {API_SCOPE}.")
    return Bearer(account=account, token_id=token_id, client_id=client_id, client_name=client_name)


def locked_account(bearer: Bearer) -> Account:
    """Lock the account's row until the transaction ends. Raises InvalidToken if the token was revoked meanwhile.

    Asking a provider takes seconds, in which the session may have been ended: signed out elsewhere, disabled, or taken
    over by the holder of the address (S9). `no_key`: see accounts.social.sign_up.
    """
    account = Account.objects.select_for_update(no_key=True).filter(pk=bearer.account.pk, is_active=True).first()
    if account is None or not AccessToken.objects.filter(pk=bearer.token_id).exists():
        raise InvalidToken("The access token was revoked just now.")
    return account


def with_first_use(tokens: QuerySet[Any]) -> QuerySet[Any]:
    """Access tokens with `unused_in`: the session that waits for the token's first use, or None."""
    waiting = Session.objects.filter(unused_token_id=OuterRef("pk"))
    annotated: QuerySet[Any] = tokens.annotate(unused_in=Subquery(waiting.values("pk")))
    return annotated


def mark_used(token_id: int, unused_in: uuid.UUID) -> None:
    """Record the first use of an access token: the answer that carried it was not lost (S68).

    The condition names the token, so that a refresh that gets in between leaves its own pair unused.
    """
    Session.objects.filter(pk=unused_in, unused_token_id=token_id).update(unused_token_id=None)


_look_up = Select(
    AccessToken,
    lambda: (
        with_first_use(AccessToken.objects.all())
        .filter(token_checksum=parameter(AccessToken, "token_checksum"))
        .values_list(*TOKEN_FIELDS, *(f"user__{name}" for name in ACCOUNT_FIELDS))
    ),
)
"""A token with its account."""

"""Whose access token a request carries: one statement, compiled once."""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections, router
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from accounts.bearer_tokens.server import USE_LEAVES_A_TRACE, checksum
from accounts.exceptions import InsufficientScope, InvalidToken
from accounts.models import Account

AccessToken = get_access_token_model()

API_SCOPE = "account"
TOKEN_FIELDS = (
    "pk",
    "expires",
    "created",
    "updated",
    "scope",
    "resource",
    "application_id",
    "application__client_id",
    "application__first_party",
)
ACCOUNT_FIELDS = tuple(field.attname for field in Account._meta.concrete_fields)  # noqa: SLF001 - public in practice


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """A live access token that opens this API, and whose it is."""

    account: Account
    token_id: int
    client_id: int
    """The key of the client that it was issued to."""
    client_name: str
    """Its `client_id` (RFC 6749 §2.2)."""


def presented_token(authorization: str | None) -> str | None:
    """The token of an Authorization header (RFC 6750 §2.1); None where there is no header or another scheme.

    Raises InvalidToken for a Bearer header of the wrong form: it must never pass for signed out.
    """
    scheme, *credentials = (authorization or "").split()[:3] or [""]
    if scheme.lower() != "bearer":
        return None
    if len(credentials) != 1:
        raise InvalidToken("The Authorization header is malformed.")
    return credentials[0]


def authenticate(authorization: str | None) -> Bearer | None:
    """The bearer of the presented token, None if none is presented. Raises InvalidToken, InsufficientScope."""
    presented = presented_token(authorization)
    if presented is None:
        return None
    row = _look_up(checksum(presented))
    if row is None:
        raise InvalidToken("The access token is unknown or was revoked.")
    token_id, expires, created, updated, scope, resource, client_id, client_name, first_party, *account_row = row
    if expires <= timezone.now():
        raise InvalidToken("The access token has expired.")
    account = Account.from_db(router.db_for_read(Account), ACCOUNT_FIELDS, account_row) if account_row[0] else None
    if account is None or not account.is_active:
        raise InvalidToken("The access token is nobody's, or its account is disabled.")
    if resource:
        # RFC 8707: it was narrowed to other resource servers.
        raise InvalidToken("The access token is not for this API.")
    if updated - created < USE_LEAVES_A_TRACE:
        _mark_used(token_id, created)
    if API_SCOPE not in scope.split() or not first_party:
        raise InsufficientScope(f"The access token lacks the scope {API_SCOPE}.")
    return Bearer(account=account, token_id=token_id, client_id=client_id, client_name=client_name)


def locked_account(bearer: Bearer) -> Account:
    """The account, its row locked until the transaction ends, if the token still stands. Raises InvalidToken.

    Asking a provider takes seconds, in which the session may have been ended: signed out elsewhere, disabled, or taken
    over by the holder of the address (S9). `no_key`: see accounts.social.sign_up.
    """
    account = Account.objects.select_for_update(no_key=True).filter(pk=bearer.account.pk, is_active=True).first()
    if account is None or not AccessToken.objects.filter(pk=bearer.token_id).exists():
        raise InvalidToken("The access token was revoked just now.")
    return account


def mark_used(token: Any) -> None:
    """Once in a token's life: from now on its refresh token's predecessor counts as answered (S68)."""
    if token.updated - token.created < USE_LEAVES_A_TRACE:
        _mark_used(token.pk, token.created)


def _mark_used(token_id: int, created: datetime) -> None:
    used = max(timezone.now(), created + USE_LEAVES_A_TRACE)
    AccessToken.objects.filter(pk=token_id).update(updated=used)


class _Compiled(threading.local):
    """Per thread as Django's connections are: the SQL, and how to turn a row into Python values."""

    def __init__(self) -> None:
        self.by_alias: dict[str, tuple[str, Any, Any]] = {}


_compiled = _Compiled()


def _look_up(digest: str) -> list[Any] | None:
    """The token with its account, or None.

    Django would compile the same SQL anew at each request, which costs nine tenths of the look-up.
    """
    alias = router.db_for_read(AccessToken)
    connection = connections[alias]
    if alias not in _compiled.by_alias:
        query = (
            AccessToken.objects.using(alias)
            .filter(token_checksum="")
            .values_list(*TOKEN_FIELDS, *(f"user__{name}" for name in ACCOUNT_FIELDS))
            .query
        )
        compiler = query.get_compiler(connection=connection)
        sql, _parameters = compiler.as_sql()
        converters = compiler.get_converters([column[0] for column in compiler.select])
        _compiled.by_alias[alias] = sql, compiler, converters
    sql, compiler, converters = _compiled.by_alias[alias]
    with connection.cursor() as cursor:
        cursor.execute(sql, [digest])
        row = cursor.fetchone()
    return None if row is None else next(iter(compiler.apply_converters([row], converters)))

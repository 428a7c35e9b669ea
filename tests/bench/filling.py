"""Fills PostgreSQL with accounts, sessions and tokens, as years of use leave them, in seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[Any, ...]]
TABLES = ("accounts_account", "accounts_session", "oauth2_provider_accesstoken", "oauth2_provider_refreshtoken")
TRADED = 18
"""Refresh tokens of each session that were traded before; with the live pair, a session has 20 tokens."""


@dataclass(frozen=True)
class Size:
    """How much is in the database."""

    tokens: int
    accounts: int

    @property
    def sessions(self) -> int:
        """Live ones."""
        return self.tokens // (TRADED + 2)

    def __str__(self) -> str:
        return f"{self.tokens:,} tokens, {self.accounts:,} accounts"


def access_token(session: int) -> str:
    """That of the session with this number, from 1."""
    return f"access-{session}"


def refresh_token(session: int) -> str:
    """Likewise."""
    return f"refresh-{session}"


def email(account: int) -> str:
    """Of the account with this number, from 1."""
    return f"person{account}@example.com"


@contextmanager
def fast(connection: Connection) -> Iterator[None]:
    """Without checks of foreign keys, and without waiting for the disk."""
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    yield
    connection.execute("RESET session_replication_role")
    connection.execute("RESET synchronous_commit")
    # Nothing of it is left to be written while something is measured.
    connection.execute("CHECKPOINT")


def fill_accounts(connection: Connection, numbers: range, *, password: str) -> None:
    """Accounts with these numbers, each a second younger than the one before, all with this hash."""
    connection.execute(
        """
        INSERT INTO accounts_account (id, email, email_verified, username, username_key, first_name, last_name,
            password, is_superuser, is_staff, is_active, date_joined, session_epoch, locale)
        SELECT md5('account' || n)::uuid, 'person' || n || '@example.com', true, 'person' || n, 'person' || n, 'Ada',
            'Lovelace', %(password)s, false, false, true, '2010-01-01'::timestamptz + n * interval '1 second', 0, 'en'
        FROM generate_series(%(first)s::int, %(last)s::int) n
        """,
        {"password": password, "first": numbers.start, "last": numbers.stop - 1},
    )


def fill_tokens(connection: Connection, size: Size) -> None:
    """Live sessions, each with its pair and the refresh tokens that it traded in the last 13 days, in their order."""
    sessions, traded = size.sessions, size.sessions * TRADED
    _fill_sessions(connection, range(1, sessions + 1), accounts=size.accounts, idle="0")
    _fill_traded(
        connection, traded, sessions=range(1, sessions + 1), accounts=size.accounts, since="13 days", until="0"
    )
    _fill_pairs(connection, range(1, sessions + 1), accounts=size.accounts, expires="1 day")
    tidy(connection)


def fill_expired(connection: Connection, tokens: int, *, size: Size, number: int) -> None:
    """Tokens to clean up: eight of ten were traded 15 to 29 days ago, two are an idle pair, of a session as idle.

    `number` is that of the first of their sessions.
    """
    sessions = range(number, number + tokens // 10)
    accounts = size.accounts
    _fill_sessions(connection, sessions, accounts=accounts, idle="15 days")
    _fill_traded(connection, tokens * 8 // 10, sessions=sessions, accounts=accounts, since="29 days", until="15 days")
    _fill_pairs(connection, sessions, accounts=accounts, expires="-15 days")
    tidy(connection)


def tidy(connection: Connection) -> None:
    """Make the next ids free ones, and do what autovacuum does after a while."""
    for table in ("oauth2_provider_accesstoken", "oauth2_provider_refreshtoken"):
        name = sql.Identifier(table)
        statement = sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), greatest(1, max(id))) FROM {}")
        connection.execute(statement.format(sql.Literal(table), name))
    for table in TABLES:
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))


def _fill_sessions(connection: Connection, numbers: range, *, accounts: int, idle: str) -> None:
    connection.execute(
        """
        INSERT INTO accounts_session (id, token_family, account_id, client_id, created_at, authenticated_at,
            authentication_methods, last_used_at, expires_at, ip_address, user_agent)
        SELECT md5('session' || n)::uuid, md5('family' || n)::uuid, md5('account' || 1 + n %% %(accounts)s)::uuid,
            (SELECT min(id) FROM accounts_client), now() - interval '30 days', now() - interval '30 days',
            '["password"]', now() - %(idle)s::interval, now() + interval '60 days', '192.0.2.1',
            'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
        """,
        {"accounts": accounts, "idle": idle, "first": numbers.start, "last": numbers.stop - 1},
    )


def _fill_traded(
    connection: Connection, number: int, *, sessions: range, accounts: int, since: str, until: str
) -> None:
    """Traded refresh tokens, each session's spread over the whole time."""
    connection.execute(
        """
        INSERT INTO oauth2_provider_refreshtoken (id, token, token_checksum, application_id, user_id, token_family,
            resource, created, updated, revoked)
        SELECT base + k, '', encode(sha256(('traded-' || base + k)::bytea), 'hex'), client,
            md5('account' || 1 + n %% %(accounts)s)::uuid, md5('family' || n)::uuid, '[]', at - interval '15 minutes',
            at, at
        FROM (SELECT coalesce(max(id), 0) AS base FROM oauth2_provider_refreshtoken) b,
            (SELECT min(id) AS client FROM accounts_client) c,
            generate_series(1, %(number)s::bigint) k,
            LATERAL (SELECT %(first)s + k %% %(sessions)s AS n, now() - %(since)s::interval
                + (%(since)s::interval - %(until)s::interval) * (k::float / %(number)s) AS at) s
        """,
        {
            "accounts": accounts,
            "number": number,
            "first": sessions.start,
            "sessions": len(sessions),
            "since": since,
            "until": until,
        },
    )


def _fill_pairs(connection: Connection, sessions: range, *, accounts: int, expires: str) -> None:
    """The current pair of each session; its refresh token's predecessor is one of those that were traded last."""
    connection.execute(
        """
        WITH base AS (
            SELECT (SELECT coalesce(max(id), 0) FROM oauth2_provider_accesstoken) - %(first)s + 1 AS access,
                (SELECT coalesce(max(id), 0) FROM oauth2_provider_refreshtoken) - %(first)s + 1 AS refresh,
                (SELECT min(id) FROM accounts_client) AS client, now() + %(expires)s::interval AS expires
        ), access AS (
            INSERT INTO oauth2_provider_accesstoken (id, token, token_checksum, application_id, user_id, scope,
                expires, resource, created, updated, source_refresh_token_id)
            SELECT access + n, '', encode(sha256(('access-' || n)::bytea), 'hex'), client,
                md5('account' || 1 + n %% %(accounts)s)::uuid, 'account', expires, '[]',
                least(expires, now()), least(expires, now()), refresh + n - %(sessions)s
            FROM base, generate_series(%(first)s::bigint, %(last)s::bigint) n
        )
        INSERT INTO oauth2_provider_refreshtoken (id, token, token_checksum, application_id, user_id, token_family,
            resource, created, updated, access_token_id)
        SELECT refresh + n, '', encode(sha256(('refresh-' || n)::bytea), 'hex'), client,
            md5('account' || 1 + n %% %(accounts)s)::uuid, md5('family' || n)::uuid, '[]', least(expires, now()),
            least(expires, now()), access + n
        FROM base, generate_series(%(first)s::bigint, %(last)s::bigint) n
        """,
        {
            "accounts": accounts,
            "sessions": len(sessions),
            "first": sessions.start,
            "last": sessions.stop - 1,
            "expires": expires,
        },
    )

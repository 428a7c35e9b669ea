"""What Django's backend lacks to keep connections for long: it goes on after restarts and migrations of the database.

The pool replaces all its connections at once when it finds one broken. Psycopg's own check replaces one after the
other, with pauses of seconds: after a restart of the database, requests would fail although it is back.

Statements that were prepared before a migration are prepared again. PostgreSQL refuses those whose columns got another
type, at each execution, as long as the connection lives.

While the database is away, one request in a while waits for a connection and the others fail at once: threads that all
wait would answer nothing else either, such as probes (S92).

A server that has become a read-only replica accepts connections, and fails every write: its connections are replaced,
so that the next ones go to the new primary.

No request waits long for a lock, a statement, or a server whose disk or machine stands still: it would hold its thread
(S92). And no lock is kept by an instance whose machine has lost power: PostgreSQL would notice that after hours. Only
with a pool, which commands do not have: what they do may take long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.postgresql import base
from django.utils import timezone
from psycopg import Connection, OperationalError
from psycopg.errors import (
    FeatureNotSupported,
    IdleInTransactionSessionTimeout,
    ReadOnlySqlTransaction,
    TransactionTimeout,
    _WaitTimeout,
)
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from accounts.shared import clock
from accounts.shared.circuit_breaker import CircuitBreaker

RETRY_AFTER = 1
"""Seconds between requests that wait for a connection while there is none: so long may the service stay away after the
database is back."""
DATABASES = CircuitBreaker(seconds=RETRY_AFTER)
UNUSABLE = (ReadOnlySqlTransaction, IdleInTransactionSessionTimeout, TransactionTimeout)
"""Errors after which another connection may work. For psycopg they are no OperationalErrors."""
LIMITS = {"lock_timeout": 5_000, "statement_timeout": 10_000, "idle_in_transaction_session_timeout": 30_000}
"""Milliseconds for PostgreSQL, where neither the role nor DATABASE_URL sets its own."""
SILENCE = 15.0
"""Seconds until a server that says nothing counts as away. Longer than its own limits."""
CHECK = 2.0
"""The same for a connection that is not in use."""
_LIMIT = "SELECT " + ", ".join(
    f"CASE current_setting('{name}') WHEN '0' THEN set_config('{name}', '{limit}', false) END"
    for name, limit in LIMITS.items()
)

_Cursor: Any = base.ServerBindingCursor  # unknown to the stubs


class Cursor(_Cursor):  # type: ignore[misc]
    """Prepares statements again that a migration has outdated."""

    def execute(self, *args: Any, **options: Any) -> Any:
        """As psycopg. Raises OperationalError in a transaction, which such a statement has ended.

        So does a connection that is of no use any more. It is closed, and the pool replaces it.
        """
        try:
            return super().execute(*args, **options)
        except UNUSABLE as error:
            self.connection.close()
            raise OperationalError(f"The connection is of no use: {error}") from error
        except FeatureNotSupported as error:
            # Its text depends on the language of the server.
            if error.diag.source_function != "RevalidateCachedQuery":
                raise
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                # Psycopg forgets its prepared statements when the transaction is rolled back.
                raise OperationalError("A migration has changed the columns of a statement.") from error
            self.connection.execute("DEALLOCATE ALL")
            return super().execute(*args, **options)


class PatientConnection(Connection[Any]):
    """Gives up a server that says nothing."""

    patience = SILENCE
    """Seconds."""

    def wait(self, *args: Any, **options: Any) -> Any:
        """As psycopg. Closes the connection if there is no answer in time."""
        try:
            return super().wait(*args, **{"timeout": self.patience, **options})
        except _WaitTimeout as error:
            self.close()
            raise OperationalError(f"no answer within {self.patience:.0f} s") from error

    @contextmanager
    def less_patient(self) -> Iterator[None]:
        """For what takes no time."""
        self.patience = CHECK
        try:
            yield
        finally:
            self.patience = SILENCE


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes only connections that work from the pool. Then it needs `CONN_HEALTH_CHECKS` to be off: the check is here.

    Works without a pool too.
    """

    @property
    def pool(self) -> Any:
        """As Django, with connections that do not wait for ever."""
        if options := self.settings_dict["OPTIONS"].get("pool"):
            options.setdefault("connection_class", PatientConnection)
        return super().pool

    def get_connection_params(self) -> dict[str, Any]:
        """As Django."""
        parameters: dict[str, Any] = super().get_connection_params()
        if parameters["cursor_factory"] is _Cursor:
            parameters["cursor_factory"] = Cursor
        return parameters

    def _configure_connection(self, connection: Any) -> bool:
        commit: bool = super()._configure_connection(connection)  # type: ignore[misc]  # unknown to the stubs
        if self.pool is None:
            _compare_clocks(connection)
            return True  # the statement has begun a transaction
        # Settings of a session would be anybody's behind a pooler between transactions, for which the flag is.
        if not self.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            connection.execute(_LIMIT)
        return commit

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that works.

        Raises OperationalError if there is none within the pool's timeout, or if the database is away.
        """
        pool: ConnectionPool[Any] | None = self.pool
        if pool is None:
            return super().get_new_connection(conn_params)
        if not (DATABASES.allows(self.alias) or pool.get_stats()["pool_available"]):
            raise OperationalError("The database was unavailable a moment ago.")
        try:
            connection = self._checked(pool, conn_params)
        except OperationalError:
            DATABASES.failed(self.alias)
            raise
        DATABASES.succeeded(self.alias)
        if not clock.is_compared():
            _compare_clocks(connection)
        return connection

    def _close(self) -> None:
        if self.connection is not None and self.connection.closed and self.pool is not None:
            # What has broken one has broken all: a restart, or a failover that left them read-only.
            self.pool.drain()
        super()._close()  # type: ignore[misc]  # unknown to the stubs

    def _checked(self, pool: ConnectionPool[Any], conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        try:
            with connection.less_patient():
                ConnectionPool.check_connection(connection)
        except self.Database.Error:
            pool.drain()
            pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection


def _compare_clocks(connection: Any) -> None:
    before = timezone.now()
    [database] = connection.execute("SELECT clock_timestamp()").fetchone()
    clock.compare(before=before, database=database, after=timezone.now())

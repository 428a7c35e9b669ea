"""What Django's backend lacks to keep connections for long: it goes on after restarts and migrations of the database.

The pool replaces all its connections at once when it finds one broken. Psycopg's own check replaces one after the
other, with pauses of seconds: after a restart of the database, requests would fail although it is back.

Statements that were prepared before a migration are prepared again. PostgreSQL refuses those whose columns got another
type, at each execution, as long as the connection lives.

While the database is away, one request in a while waits for a connection and the others fail at once: threads that all
wait would answer nothing else either, such as probes (S92).

A server that has become a read-only replica accepts connections, and fails every write: its connections are replaced,
so that the next ones go to the new primary.
"""

from typing import Any

from django.db.backends.postgresql import base
from django.utils import timezone
from psycopg import OperationalError
from psycopg.errors import (
    FeatureNotSupported,
    IdleInTransactionSessionTimeout,
    ReadOnlySqlTransaction,
    TransactionTimeout,
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


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes only connections that work from the pool. Then it needs `CONN_HEALTH_CHECKS` to be off: the check is here.

    Works without a pool too.
    """

    def get_connection_params(self) -> dict[str, Any]:
        """As Django."""
        parameters: dict[str, Any] = super().get_connection_params()
        if parameters["cursor_factory"] is _Cursor:
            parameters["cursor_factory"] = Cursor
        return parameters

    def _configure_connection(self, connection: Any) -> bool:
        super()._configure_connection(connection)  # type: ignore[misc]  # unknown to the stubs
        before = timezone.now()
        [database] = connection.execute("SELECT clock_timestamp()").fetchone()
        clock.compare(before=before, database=database, after=timezone.now())
        return True  # the statement has begun a transaction

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
        return connection

    def _close(self) -> None:
        if self.connection is not None and self.connection.closed and self.pool is not None:
            # What has broken one has broken all: a restart, or a failover that left them read-only.
            self.pool.drain()
        super()._close()  # type: ignore[misc]  # unknown to the stubs

    def _checked(self, pool: ConnectionPool[Any], conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        try:
            ConnectionPool.check_connection(connection)
        except self.Database.Error:
            pool.drain()
            pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

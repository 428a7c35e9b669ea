"""What Django's backend lacks to keep connections for long: it goes on after restarts and migrations of the database.

The pool replaces all its connections at once when it finds one broken. Psycopg's own check replaces one after the
other, with pauses of seconds: after a restart of the database, requests would fail although it is back.

Statements that were prepared before a migration are prepared again. PostgreSQL refuses those whose columns got another
type, at each execution, as long as the connection lives.
"""

from typing import Any

from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

_Cursor: Any = base.ServerBindingCursor  # unknown to the stubs


class Cursor(_Cursor):  # type: ignore[misc]
    """Prepares statements again that a migration has outdated."""

    def execute(self, *args: Any, **options: Any) -> Any:
        """As psycopg. Raises OperationalError in a transaction, which such a statement has ended."""
        try:
            return super().execute(*args, **options)
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

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that works.

        Raises OperationalError if there is none within the pool's timeout, or if the database is away.
        """
        connection = super().get_new_connection(conn_params)
        pool: ConnectionPool[Any] | None = self.pool
        if pool is None:
            return connection
        try:
            ConnectionPool.check_connection(connection)
        except self.Database.Error:
            pool.drain()
            pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

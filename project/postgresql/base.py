"""The pool replaces all its connections at once when it finds one broken.

Psycopg's own check replaces one after the other, with pauses of seconds: after a restart of the database, requests
would fail although it is back.
"""

from typing import Any

from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes only connections that work from the pool. Needs `CONN_HEALTH_CHECKS` to be off: the check is here."""

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

"""Django's `migrate`, one process at a time: the replicas of a deployment may all call it when they start."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands.migrate import Command as Migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK = 0x6C61_7463_686B_6579
"""The advisory lock's key, which is the same in every release: "latchkey" in ASCII. Each database has its own locks."""
PAUSE = 0.25
"""Seconds between two attempts at the lock."""


class Command(Migrate):
    """Migrates once no other process does. Whoever waited then finds nothing left to do."""

    help = (
        "Bring the database's tables up to this release. Run it at each deployment, before the servers of the new"
        " release start. All replicas may run it when they start: one does it, the others wait."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. What only looks (`--plan`, `--check`) waits for nobody."""
        connection = connections[options["database"]]
        if options["plan"] or options["check_unapplied"] or connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        with self._alone(connection):
            super().handle(*args, **options)

    @contextmanager
    def _alone(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        """Hold the lock in a transaction of a second connection.

        A session's lock would be lost, or kept for ever, behind a pooler that gives each transaction another session.
        Waiting is asking again and again: a statement that waits keeps its snapshot, CREATE INDEX CONCURRENTLY waits
        for all older snapshots, and the two would deadlock. Between its statements, a transaction keeps none.
        """
        guard = connection.copy()
        try:
            if not _locked(guard):
                self.stderr.write("Another process is migrating this database. Waiting for it.")
                while not _locked(guard):
                    time.sleep(PAUSE)
            yield
        finally:
            guard.close()


def _locked(guard: BaseDatabaseWrapper) -> bool:
    """Whether the lock could be had, in a transaction that then stays open."""
    guard.set_autocommit(False)
    with guard.cursor() as cursor:
        # Stricter levels keep one snapshot for the whole transaction.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        (locked,) = cursor.fetchone()
        # Last: a query keeps its snapshot until the next statement, and SET needs none. Without it, a server that ends
        # idle transactions would end the lock in the middle of a long migration.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    if not locked:
        guard.rollback()
    return bool(locked)

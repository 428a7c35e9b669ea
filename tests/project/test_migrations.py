"""The tests run on tables that are made from the models, without migrations: both ways make the same tables."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from project import data_urls
from tests.api import PASSWORD, REGISTER
from tests.live import ROOT, environment_of_service, fresh_database, serving

DEFINITIONS = {
    "sqlite": "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL",
    "postgresql": """
        SELECT table_name, concat_ws(' ', column_name, udt_name, character_maximum_length, is_nullable, column_default,
          identity_generation, collation_name) FROM information_schema.columns
        UNION ALL SELECT tablename, indexdef FROM pg_indexes
        UNION ALL SELECT conrelid::regclass::text, concat_ws(' ', conname, pg_get_constraintdef(oid)) FROM pg_constraint
    """,
}


@pytest.fixture
def migrated(db, tmp_path) -> Iterator[BaseDatabaseWrapper]:
    """A database that `manage.py migrate` made."""
    with fresh_database(tmp_path, migrated=True) as url:
        other = ConnectionHandler({"default": data_urls.database(url)})["default"]
        yield other
        other.close()


def definitions(database: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    """The columns, indexes and constraints of our own tables, in whatever order a table has them.

    On PostgreSQL, names of constraints and the type of a key differ in tables of Django and DOT.
    """
    with database.cursor() as cursor:
        cursor.execute(DEFINITIONS[database.vendor])
        rows = cursor.fetchall()
    return {
        (table, part)
        for table, sql in rows
        if table.startswith("accounts_")
        for part in sql.removesuffix(")").split(", ")
    }


def test_migrations_and_models_make_the_same_tables(migrated):
    """On the kind of database that this run uses."""
    assert {table for table, _ in definitions(migrated)} >= {"accounts_account", "accounts_session"}
    assert definitions(migrated) == definitions(connection)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite makes an index at once or not at all")
def test_an_index_whose_making_was_interrupted_is_made_anew(tmp_path):
    """PostgreSQL leaves it there without using it, and `migrate` would stop at its name each time."""

    def migrate(url: str, *arguments: str) -> None:
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0", *arguments]
        subprocess.run(command, cwd=ROOT, env=environment_of_service(DATABASE_URL=url), check=True)

    with fresh_database(tmp_path, migrated=True) as url:
        migrate(url, "accounts", "0010")
        with psycopg.connect(url, autocommit=True) as database:
            database.execute("CREATE INDEX account_active_newest_first ON accounts_account (id)")
            database.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'account_active_newest_first'::regclass"
            )
            migrate(url)
            (valid,) = database.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = 'account_active_newest_first'::regclass"
            ).fetchone()

    assert valid


def test_a_service_that_starts_makes_its_tables(tmp_path):
    """The other tests' servers find them made."""
    (tmp_path / "empty").mkdir()
    with fresh_database(tmp_path / "empty") as empty, serving(tmp_path, DATABASE_URL=empty) as live:
        ada = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
        assert live.post(REGISTER, input=ada)[1]["data"]["register"]["errors"] == []

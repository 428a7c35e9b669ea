"""Migrations after the previous release expand only, unless they say which release stopped using what goes."""

import tomllib

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Now

from accounts.shared.online_indexes import AddIndexOnline
from tests.upgrades.releases import previous_file, previous_migrations
from tests.upgrades.rule import APP, breaches, new_migrations

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is for one process"),
]

PREVIOUS = "0.3.0"
NAME = models.CharField(max_length=20, null=True)
INDEX = models.Index(fields=["first_name"], name="by_name")
CHECK = models.CheckConstraint(condition=models.Q(first_name__gt=""), name="named")
LOCALE = ("account", "locale")
WIDER_LABEL = models.CharField(db_default="en", default="en", max_length=35, verbose_name="tongue")
NARROWER = models.CharField(db_default="en", default="en", max_length=5)
THING = operations.CreateModel("thing", [("id", models.UUIDField(primary_key=True))])


@pytest.fixture(autouse=True)
def with_migrations(settings) -> None:
    """The other tests have none: pytest's --nomigrations."""
    settings.MIGRATION_MODULES = {}


def found(*planned: operations.base.Operation, **marks: str) -> list[str]:
    """The breaches of a new migration with these operations."""
    loader = MigrationLoader(None)
    [leaf] = loader.graph.leaf_nodes(APP)
    migration = Migration("9999_planted", APP)
    migration.operations = list(planned)
    for name, value in marks.items():
        setattr(migration, name, value)
    return breaches([(migration, loader.project_state(leaf))], PREVIOUS)


def test_new_migrations_keep_the_rule():
    """Of this release: with the version of the previous one."""
    version = tomllib.loads(previous_file("pyproject.toml"))["project"]["version"]

    assert breaches(new_migrations(previous_migrations()), version) == []


def test_no_released_migration_is_gone():
    """A database that stopped at it could not go on."""
    released = previous_migrations()

    assert released
    assert released <= {name for app, name in MigrationLoader(None).graph.nodes if app == APP}


def test_what_the_previous_release_does_not_have_is_walked():
    """Otherwise nothing would ever be refused."""
    without_the_last = previous_migrations() - {"0011_active_accounts"}

    assert "0011_active_accounts" in {migration.name for migration, _ in new_migrations(without_the_last)}


@pytest.mark.parametrize(
    "planned",
    [
        [operations.AddField("account", "nickname", NAME)],
        [operations.AddField("account", "points", models.IntegerField(db_default=0))],
        [THING, operations.AddField("thing", "name", models.CharField(max_length=9, unique=True))],
        [operations.AddField("account", "nickname", NAME), AddIndexOnline("account", INDEX)],
        [AddIndexConcurrently("account", INDEX)],
        [operations.AddField("account", "seen_at", models.DateTimeField(db_default=Now()))],
        [AddConstraintNotValid("account", CHECK)],
        [AddConstraintNotValid("account", CHECK), operations.RemoveConstraint("account", "named")],
        [operations.AlterField(*LOCALE, WIDER_LABEL)],
        [operations.SeparateDatabaseAndState(state_operations=[operations.RemoveField(*LOCALE)])],
        [operations.SeparateDatabaseAndState(database_operations=[operations.AddField("account", "nickname", NAME)])],
    ],
    ids=lambda planned: " ".join(type(operation).__name__ for operation in planned),
)
def test_what_expands_needs_no_mark(planned):
    """The previous release does not notice it, and no large table is locked."""
    assert found(*planned) == []


@pytest.mark.parametrize(
    ("planned", "reason"),
    [
        (
            operations.AddField("account", "nickname", models.CharField(max_length=9, default="")),
            "inserts rows without",
        ),
        (
            operations.AddField("account", "nickname", models.CharField(max_length=9, null=True, unique=True)),
            "index locks",
        ),
        (
            operations.AddField("account", "key", models.UUIDField(db_default=RandomUUID())),
            "writes the whole table anew",
        ),
        (operations.AddIndex("account", INDEX), "locks the table"),
        (operations.AddConstraint("account", CHECK), "locks the table"),
        (operations.RemoveField(*LOCALE), "set `contract`"),
        (operations.RenameField("account", "locale", "tongue"), "set `contract`"),
        (operations.RenameModel("Account", "Person"), "set `contract`"),
        (operations.DeleteModel("Mail"), "set `contract`"),
        (operations.AlterField(*LOCALE, NARROWER), "set `contract`"),
        (operations.SeparateDatabaseAndState([operations.RemoveField(*LOCALE)]), "set `contract`"),
        (operations.RunPython(operations.RunPython.noop), "set `reviewed`"),
        (operations.RunSQL("DROP TABLE accounts_mail"), "set `reviewed`"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_the_previous_release_would_notice_is_refused(planned, reason):
    """It names the migration and says what to do."""
    [breach] = found(planned)

    assert breach.startswith("9999_planted: ")
    assert reason in breach


def test_a_unique_constraint_does_not_go_as_a_check_does():
    """The previous release relies on it where two of the same come at once."""
    unique = models.UniqueConstraint(fields=["first_name"], name="one_of_each")
    *_, breach = found(operations.AddConstraint("account", unique), operations.RemoveConstraint("account", unique.name))

    assert "set `contract`" in breach


def test_what_no_release_uses_any_more_may_go():
    """The mark names the release that stopped, which is the previous one or older."""
    assert found(operations.RemoveField(*LOCALE), contract=PREVIOUS) == []
    assert found(operations.RemoveField(*LOCALE), contract="0.2.10") == []


def test_what_goes_in_the_release_that_stops_using_it_is_refused():
    """Its predecessor is still running during the upgrade."""
    [breach] = found(operations.RemoveField(*LOCALE), contract="0.4.0")

    assert "the previous release, 0.3.0, still uses what goes" in breach


def test_a_reviewed_script_may_run():
    """Nothing else can know what it does."""
    assert found(operations.RunPython(operations.RunPython.noop), reviewed="fills an empty column in batches") == []

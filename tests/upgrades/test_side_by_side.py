"""An upgrade without downtime: each release runs on the other's schema, and both at once on one database."""

import email
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.policy import default as modern
from pathlib import Path

import pytest
from django.db import connection

from tests.api import PASSWORD, REFRESH
from tests.live import fresh_database, postgresql_database
from tests.providers.server import Server
from tests.upgrades.journey import Deployment, JourneyFailed, Person, journey
from tests.upgrades.releases import (
    Release,
    copy_of_this_release,
    environment_for,
    previous_release,
    this_release,
)

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is for one process")

STAFF = ("root@example.com", PASSWORD)
TYPED_CODE = re.compile(r"^    ([A-Z0-9][A-Z0-9 -]+[A-Z0-9])$", re.MULTILINE)
"""On a line of its own; the other such line is a link."""
SET_UP = f"""
import io
from django.core.management import call_command
from accounts.models import Account
call_command("migrate", verbosity=0)
call_command("ensure_client", verbosity=0)
printed = io.StringIO()
call_command("ensure_client", client_id="server", confidential=True, stdout=printed)
Account.objects.create_superuser("{STAFF[0]}", "{STAFF[1]}", username="root", first_name="Root")
print(printed.getvalue().split()[-1])
"""
PLANTED = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("accounts", "{latest}")]
    operations = [migrations.RemoveField("account", "locale")]
"""


@dataclass(frozen=True)
class World:
    """Both releases, and a database as the previous one has made it."""

    directory: Path
    environment: dict[str, str]
    previous: Release
    database: str
    secret: str
    providers: Server

    def deployment(self, url: str) -> Deployment:
        """What the journey needs to know of a server."""
        issuer = self.providers.providers["openid"]
        return Deployment(
            url=url,
            code_mailed_to=self.code_mailed_to,
            provider="corp",
            id_token_for=lambda address: issuer.id_token(sub=address, email=address, email_verified=True),
            staff=STAFF,
            resource_server=("server", self.secret),
        )

    def code_mailed_to(self, address: str) -> str:
        """The newest one; waits for it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for path in sorted((self.directory / "outbox").glob("*.eml"), reverse=True):
                message = email.message_from_bytes(path.read_bytes(), policy=modern)
                text = message.get_body(("plain",))
                found = TYPED_CODE.search(text.get_content()) if text and message["To"] == address else None
                if found:
                    return found[1]
            time.sleep(0.1)
        raise JourneyFailed(f"no code was mailed to {address}")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """For all tests of this module."""
    directory, providers = tmp_path_factory.mktemp("upgrade"), Server()
    previous = previous_release(directory)
    environment = environment_for(directory, **providers.providers.environment)
    with fresh_database(directory) as database:
        output = previous.manage("shell", "-c", SET_UP, environment={**environment, "DATABASE_URL": database})
        yield World(directory, environment, previous, database, output.split()[-1], providers)
    providers.stop()


@pytest.fixture
def old_schema(world: World) -> Iterator[dict[str, str]]:
    """The environment with a database of the previous release."""
    with postgresql_database(world.database) as url:
        yield {**world.environment, "DATABASE_URL": url}


@pytest.fixture
def new_schema(old_schema: dict[str, str]) -> dict[str, str]:
    """The environment with a database that this release has migrated."""
    this_release().manage("migrate", "--verbosity=0", environment=old_schema)
    return old_schema


def test_the_previous_release_runs_on_the_schema_of_this_one(world, new_schema, tmp_path):
    """While instances are replaced one by one, and after this release was taken back."""
    with world.previous.serving(tmp_path / "log", new_schema) as url:
        journey(world.deployment(url))


def test_this_release_runs_on_the_schema_of_the_previous_one(world, old_schema, tmp_path):
    """An instance that starts before the migration, or against a replica that lags behind, answers."""
    with this_release().serving(tmp_path / "log", old_schema) as url:
        journey(world.deployment(url))


def test_sessions_go_from_one_release_to_the_other_and_back(world, new_schema, tmp_path):
    """Behind a proxy, each request of a person may meet the other release: no session is lost, and each end counts."""
    with (
        world.previous.serving(tmp_path / "old", new_schema) as old_url,
        this_release().serving(tmp_path / "new", new_schema) as new_url,
    ):
        old, new = world.deployment(old_url), world.deployment(new_url)
        ada = Person(old)
        ada.register()
        for deployment in (old, new, old, new):
            ada = ada.at(deployment)
            ada.refresh()
        _refreshes_at_both_at_once(ada, old, new)
        for here, there in ((old, new), (new, old)):
            elsewhere = ada.at(there)
            elsewhere.sign_in()
            ada = ada.at(here)
            ada.change_password()
            elsewhere.is_signed_out()
        ada.sign_out()
        ada.at(old).is_signed_out()


def _refreshes_at_both_at_once(person: Person, *deployments: Deployment) -> None:
    """S18, across releases: one pair comes of it."""
    given = {"refreshToken": person.tokens["refreshToken"]}
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(person.at(deployment).data, REFRESH, signed_in=False, input=given)
            for deployment in deployments * 4
        ]
        pairs = [future.result()["tokens"] for future in asked]
    assert len({(pair["accessToken"], pair["refreshToken"]) for pair in pairs}) == 1
    person.tokens = pairs[0]
    person.is_signed_in()


def test_a_migration_that_takes_a_column_away_is_noticed(world, old_schema, tmp_path):
    """The tests above can fail: the previous release cannot register anybody on such a schema."""
    planted = copy_of_this_release(tmp_path)
    migrations = planted.tree / "accounts" / "migrations"
    latest = max(path.stem for path in migrations.glob("0*.py"))
    (migrations / "9999_planted.py").write_text(PLANTED.format(latest=latest))
    planted.manage("migrate", "--verbosity=0", environment=old_schema)

    with (
        world.previous.serving(tmp_path / "log", old_schema) as url,
        pytest.raises(JourneyFailed, match="INTERNAL_SERVER_ERROR"),
    ):
        journey(world.deployment(url))

"""A deployment for the tests of faults. It has a PostgreSQL of its own, and so the run on PostgreSQL tests it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from project.postgresql.base import DatabaseWrapper
from tests.faults import rig
from tests.tools import ON_POSTGRESQL, missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip them in the run on SQLite: they take a minute, and would test the same again."""
    for item in items:
        if not ON_POSTGRESQL and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="needs PostgreSQL"))


@contextmanager
def as_installed() -> Iterator[None]:
    """Skip the test, or fail it in CI, if a program is missing."""
    try:
        yield
    except rig.Missing as lack:
        missing(str(lack))


@dataclass(frozen=True)
class Site:
    """One instance with its database and cache."""

    database: rig.Postgres
    cache: rig.Redis
    instance: rig.Instance


@pytest.fixture(scope="session")
def workplace() -> Iterator[Path]:
    """Where the servers keep their files."""
    with rig.workplace() as directory:
        yield directory


@pytest.fixture(scope="session")
def servers(workplace) -> Iterator[tuple[rig.Postgres, rig.Redis]]:
    """A database with the service's tables, and a cache."""
    with (
        as_installed(),
        rig.postgres(workplace / "database") as database,
        rig.redis(workplace / "cache") as cache,
    ):
        rig.migrate(rig.production(database=database.url, cache="locmemcache://", WORKERS="1"))
        yield database, cache


@pytest.fixture(scope="session")
def site(workplace, servers) -> Iterator[Site]:
    """An instance that all tests of a process share: each leaves it as it was."""
    database, cache = servers
    environment = rig.production(database=database.url, cache=cache.url, WORKERS="1", **FEATURES)
    with rig.instances(workplace / "site", environment) as [instance]:
        yield Site(database, cache, instance)


@contextmanager
def pooled(**settings: Any) -> Iterator[Any]:
    """A wrapper of the test's database with a pool, as the service has it."""
    own = connection.settings_dict
    options = {**own["OPTIONS"], "pool": {"min_size": 1, "max_size": 1}}
    wrapper = DatabaseWrapper({**own, **settings, "OPTIONS": options, "CONN_MAX_AGE": 0}, alias="pooled")
    try:
        yield wrapper
    finally:
        wrapper.close()
        wrapper.close_pool()


FEATURES = {"SIGN_IN_BY_MAIL": "true", "GOOGLE_CLIENT_IDS": "web.apps.googleusercontent.com"}
"""What makes every operation available."""

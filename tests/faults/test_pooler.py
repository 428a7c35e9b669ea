"""PgBouncer between the service and its database, a connection for each transaction: a real one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest

from tests.api import ME, REFRESH, REGISTER, REVOKE, TOKEN_AUTH
from tests.faults import rig
from tests.faults.conftest import as_installed
from tests.faults.people import person

USERS = "{ users(first: 50) { edges { node { id } } } }"


@pytest.fixture(scope="module")
def pooled(workplace, servers) -> Iterator[tuple[rig.Server, rig.Instance]]:
    """PgBouncer with two connections, and an instance with ten threads behind it."""
    database, cache = servers
    with as_installed(), rig.pgbouncer(workplace / "pgbouncer", database, pool_size=2) as (bouncer, url):
        environment = rig.production(database=url, cache=cache.url, WORKERS="1", THREADS="10")
        with rig.instances(workplace / "pooled", environment) as [instance]:
            yield bouncer, instance


def journey(instance: rig.Instance) -> list[int]:
    """The statuses of a whole session: long enough for statements to be prepared, if they were."""
    somebody = person()
    answers = [rig.ask(instance, REGISTER, input=somebody)]
    credentials = {"email": somebody["email"], "password": somebody["password"]}
    answers.append(rig.ask(instance, TOKEN_AUTH, input=credentials))
    tokens = answers[-1].data["tokenAuth"]["tokens"]
    for _ in range(8):
        answers.append(rig.ask(instance, ME, token=tokens["accessToken"]))
        answers.append(rig.ask(instance, REFRESH, input={"refreshToken": tokens["refreshToken"]}))
        tokens = answers[-1].data["refreshToken"]["tokens"]
        answers.append(rig.ask(instance, USERS))
    answers.append(rig.ask(instance, REVOKE, input={"token": tokens["refreshToken"]}))
    assert all("errors" not in answer.body for answer in answers)
    return [answer.status for answer in answers]


def test_many_sessions_share_few_connections(pooled):
    """With what docs/settings.md says of DATABASE_URL: no prepared statement or lock is missed in a connection."""
    _, instance = pooled
    statuses = [
        status for statuses in ThreadPoolExecutor(8).map(lambda _: journey(instance), range(8)) for status in statuses
    ]

    assert set(statuses) == {HTTPStatus.OK}
    assert "Traceback" not in instance.log.read_text()


def test_a_refresh_that_comes_many_times_at_once_is_one(pooled):
    """S18: its lock holds in the transaction, whatever connection that has."""
    _, instance = pooled
    tokens = rig.ask(instance, REGISTER, input=person()).data["register"]["tokens"]
    same = {"refreshToken": tokens["refreshToken"]}
    answers = list(ThreadPoolExecutor(10).map(lambda _: rig.ask(instance, REFRESH, input=same), range(10)))

    assert len({answer.data["refreshToken"]["tokens"]["refreshToken"] for answer in answers}) == 1


def test_after_a_restart_of_the_pooler_sessions_go_on(pooled):
    """It drops all connections; the next requests get new ones."""
    bouncer, instance = pooled
    tokens = rig.ask(instance, REGISTER, input=person()).data["register"]["tokens"]
    bouncer.end()
    refused = rig.ask(instance, ME, token=tokens["accessToken"])
    bouncer.launch()
    rig.until(
        "right again", lambda: rig.ask(instance, ME, token=tokens["accessToken"]).status == HTTPStatus.OK, seconds=5
    )

    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(refused.headers["Retry-After"]) > 0

"""The database restarts, goes away, loses its connections, becomes a replica, or has no space left: a real server."""

import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.urls import get_resolver

from tests.api import ME, REFRESH, REGISTER, Answer
from tests.e2e.test_every_url import addresses
from tests.faults import rig
from tests.faults.conftest import Site, as_installed
from tests.faults.operations import UNKNOWN_TOKEN, Operation, operations
from tests.faults.people import person

SECONDS = 5
"""Within which the service must be right again once the database is. It takes one or two."""
NO_DATABASE = {"authConfig", "createSocialNonce"}
"""Operations that read settings and keep nothing."""
USERS = "{ users { __typename } }"
AWAY = HTTPStatus.SERVICE_UNAVAILABLE


def registered(site: Site) -> dict[str, str]:
    """The tokens of somebody who has."""
    tokens: dict[str, str] = rig.ask(site.instance, REGISTER, input=person()).data["register"]["tokens"]
    return tokens


def me(site: Site, token: str) -> Answer:
    """The answer to `me`."""
    return rig.ask(site.instance, ME, token=token)


def right_again(attempt: Callable[[], Answer]) -> list[int]:
    """The statuses until one is good. Fails after SECONDS."""
    statuses: list[int] = []

    def good() -> bool:
        statuses.append(attempt().status)
        return statuses[-1] == HTTPStatus.OK

    rig.until("right again", good, seconds=SECONDS)
    return statuses


@contextmanager
def away(site: Site) -> Iterator[None]:
    """The database is stopped within the block, and the service is right again after it."""
    site.database.stop()
    try:
        yield
    finally:
        site.database.start()
        right_again(lambda: rig.ask(site.instance, USERS))


@pytest.mark.parametrize(
    "fault",
    [
        lambda database: database.restart("fast"),
        lambda database: database.restart("immediate"),
        rig.Postgres.cut_connections,
    ],
    ids=["restarted", "crashed", "connections cut"],
)
def test_after_a_restart_sessions_go_on(site, fault):
    """No later request fails, and both tokens work."""
    tokens = registered(site)
    list(ThreadPoolExecutor(8).map(lambda _: me(site, tokens["accessToken"]), range(16)))
    fault(site.database)

    first = right_again(lambda: me(site, tokens["accessToken"]))
    later = list(ThreadPoolExecutor(8).map(lambda _: me(site, tokens["accessToken"]).status, range(16)))
    refreshed = rig.ask(site.instance, REFRESH, input={"refreshToken": tokens["refreshToken"]})

    assert set(first) <= {AWAY, HTTPStatus.OK}
    assert later == [HTTPStatus.OK] * 16
    assert refreshed.data["refreshToken"]["errors"] == []


def test_without_its_database_no_operation_is_answered_200(site):
    """S46: 503, and when to try again, from every root field that needs the database; only two do not."""
    token = registered(site)["accessToken"]

    def answer(operation: Operation) -> tuple[str, Answer]:
        presented = "" if operation.anonymous else token
        return operation.name, rig.ask(site.instance, operation.query, token=presented, **operation.variables)

    with away(site):
        answers = dict(ThreadPoolExecutor(8).map(answer, operations()))

    assert {name for name, answer in answers.items() if answer.status != AWAY} == NO_DATABASE
    for name in answers.keys() - NO_DATABASE:
        assert_says_when(answers[name])


def assert_says_when(answer: Answer) -> None:
    """The answer is for clients that try again, and nothing else."""
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.codes == ["SERVICE_UNAVAILABLE"]
    assert "data" not in answer.body


def test_a_field_that_needs_no_database_does_not_make_it_200(site):
    """S46: of several fields, by POST, by GET and of a mutation that runs one after the other."""
    token = registered(site)["accessToken"]
    query = "{ authConfig { __typename } users { __typename } }"
    mutation = (
        'mutation { createSocialNonce(input: {provider: "google"}) { __typename } cancelEmailChange { __typename } }'
    )
    with away(site):
        answers = [rig.ask(site.instance, query), rig.ask(site.instance, mutation, token=token)]
        status, headers, _ = rig.fetch(site.instance, "GET", f"/graphql?{urllib.parse.urlencode({'query': query})}")

    for answer in answers:
        assert answer.status == AWAY
        assert_says_when(answer)
    assert (status, int(headers["Retry-After"]) > 0) == (AWAY, True)


def test_without_its_database_no_address_that_needs_it_is_answered_200(site):
    """S46: the OAuth endpoints and the administration answer 503 too; no other address fails."""
    session = {"Cookie": f"__Host-sessionid={'a' * 32}"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"grant_type=refresh_token&refresh_token={UNKNOWN_TOKEN}&token={UNKNOWN_TOKEN}&client_id=web"

    def answers(path: str) -> list[tuple[str, int, Any]]:
        got = rig.fetch(site.instance, "GET", path, headers=session)
        posted = rig.fetch(site.instance, "POST", path, body, form)
        return [(path, *got[:2]), (path, *posted[:2])]

    with away(site):
        paths = dict.fromkeys(addresses(get_resolver().url_patterns))
        got, posted = zip(*ThreadPoolExecutor(8).map(answers, paths), strict=True)

    in_administration = {path for path in paths if path.startswith("/admin/")}
    assert {path for path, status, _ in got if status >= 500} == in_administration
    assert {path for path, status, _ in posted if status >= 500} == {path for path in paths if path.startswith("/o/")}
    for path, status, headers in (*got, *posted):
        assert status < 500 or (status == AWAY and int(headers["Retry-After"]) > 0), path


def test_a_database_that_is_away_holds_few_threads(site):
    """S92: what needs no database is answered meanwhile, however many requests ask for it."""
    with away(site), ThreadPoolExecutor(32) as crowd:
        rig.ask(site.instance, USERS)  # finds it away
        waiting = [crowd.submit(rig.ask, site.instance, USERS) for _ in range(64)]
        began = time.monotonic()
        statuses = [rig.ask(site.instance, "{ authConfig { __typename } }").status for _ in range(5)]
        took = time.monotonic() - began
        refused = [future.result().status for future in waiting]

    assert statuses == [HTTPStatus.OK] * 5
    assert refused == [AWAY] * 64
    # Without it, 8 threads would wait 2 s for each of 64 requests: 16 s.
    assert took < 8


def test_a_database_that_became_a_replica_is_left(site):
    """A failover: writes are refused with 503, and the next connections are new ones."""
    tokens = registered(site)
    name = site.database.database
    site.database.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on", database="postgres")
    site.database.cut_connections()
    refused = rig.ask(site.instance, REFRESH, input={"refreshToken": tokens["refreshToken"]})
    # Connections that were opened before stay read-only.
    site.database.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off", database="postgres")
    right_again(lambda: rig.ask(site.instance, REFRESH, input={"refreshToken": tokens["refreshToken"]}))
    more = list(ThreadPoolExecutor(8).map(lambda _: rig.ask(site.instance, REGISTER, input=person()).status, range(8)))

    assert refused.status == AWAY
    assert_says_when(refused)
    assert more == [HTTPStatus.OK] * 8


@pytest.mark.django_db
def test_a_network_that_falls_silent_is_noticed():
    """S92: dropping its packets takes iptables; so only that the driver was told to give up after 15 seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        told = connection.connection.info.get_parameters()

    assert int(told["tcp_user_timeout"]) == 15_000
    assert int(told["connect_timeout"]) == 10


def test_a_full_disk_fails_writes_alone_and_leaves_nothing_half_written(workplace):
    """503 until there is space again; what was written before can be read, and the sessions live on."""
    home = workplace / "small"
    with as_installed(), rig.small_disk(home, megabytes=256), rig.postgres(home) as database:
        environment = rig.production(database=database.url, cache="locmemcache://", WORKERS="1")
        rig.migrate(environment)
        with rig.instances(workplace / "full", environment) as [instance]:
            tokens = rig.ask(instance, REGISTER, input=person()).data["register"]["tokens"]
            newcomers = [person() for _ in range(60)]
            with rig.full_disk(home):
                answers = [rig.ask(instance, REGISTER, input=newcomer) for newcomer in newcomers]
                reading = rig.ask(instance, ME, token=tokens["accessToken"])
            rig.until("there is space", lambda: rig.ask(instance, USERS).status == HTTPStatus.OK, seconds=20)
            refreshed = rig.ask(instance, REFRESH, input={"refreshToken": tokens["refreshToken"]})
            refused = [newcomer for newcomer, answer in zip(newcomers, answers, strict=True) if answer.status == AWAY]
            again = [rig.ask(instance, REGISTER, input=newcomer).data["register"]["errors"] for newcomer in refused]
            log = instance.log.read_text()

    assert {answer.status for answer in answers} <= {HTTPStatus.OK, AWAY}
    assert refused
    assert again == [[]] * len(refused)
    assert reading.status in {HTTPStatus.OK, AWAY}
    assert refreshed.data["refreshToken"]["errors"] == []
    assert "Traceback" not in log

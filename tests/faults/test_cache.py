"""Redis restarts empty, or becomes a replica, under a real server. tests/e2e/test_redis_gone.py: it goes away."""

import json
import signal
from http import HTTPStatus
from pathlib import Path
from typing import Any

from redis import Redis as Client

from tests.api import REFRESH, REGISTER, TOKEN_AUTH
from tests.faults import rig
from tests.faults.conftest import as_installed
from tests.faults.people import person

SECONDS = 10
"""Within which limits are shared again: Redis is tried each five seconds."""
SHARED = "Redis is back: attempts are limited across all processes again"


def test_after_a_restart_redis_learns_the_scripts_again(workplace, servers):
    """S56: it forgot them (NOSCRIPT). No request fails, and soon it counts attempts again."""
    database, _ = servers
    with as_installed(), rig.redis(workplace / "restarting") as cache:
        environment = rig.production(database=database.url, cache=cache.url, WORKERS="1")
        with rig.instances(workplace / "restarts", environment) as [instance]:
            somebody = person()
            tokens = rig.ask(instance, REGISTER, input=somebody).data["register"]["tokens"]
            cache.end()
            cache.start()
            refreshed = rig.ask(instance, REFRESH, input={"refreshToken": tokens["refreshToken"]})

            def counts() -> bool:
                return bool(sign_in(instance, somebody).status == HTTPStatus.OK and keys(cache))

            rig.until("Redis counts again", counts, seconds=SECONDS)
            log = instance.log.read_text()

    assert refreshed.data["refreshToken"]["errors"] == []
    assert "Traceback" not in log


def test_a_redis_that_became_a_replica_is_left(workplace, servers):
    """A failover: it refuses to write. The next connections are new ones, to wherever the name points by then."""
    database, _ = servers
    with as_installed(), rig.redis(workplace / "failover") as cache:
        environment = rig.production(database=database.url, cache=cache.url, WORKERS="1", THREADS="1")
        with rig.instances(workplace / "fails-over", environment) as [instance]:
            somebody = person()
            assert rig.ask(instance, REGISTER, input=somebody).data["register"]["errors"] == []
            before = connections(cache)
            command(cache, "REPLICAOF", "127.0.0.1", "1")
            meanwhile = sign_in(instance, somebody)
            command(cache, "REPLICAOF", "NO", "ONE")
            after = sign_in(instance, somebody)
            left = before - connections(cache)

    assert meanwhile.data["tokenAuth"]["errors"] == after.data["tokenAuth"]["errors"] == []
    # Probes have another connection, which nothing has refused.
    assert left


def test_sentinels_lead_to_the_new_primary(workplace, servers):
    """S56: the primary dies. No request fails, and then attempts are counted at the replica that was promoted."""
    database, _ = servers
    directory = workplace / "watched"
    with (
        as_installed(),
        rig.redis(directory / "one", password="of-both") as primary,
        rig.redis(directory / "two", "--replicaof", "127.0.0.1", str(primary.port), password="of-both") as replica,
        rig.sentinel(directory, primary) as url,
    ):
        # The Sentinel learns of replicas from the primary every ten seconds.
        rig.until("the Sentinel knows the replica", lambda: knows(directory, replica), seconds=20)
        environment = rig.production(database=database.url, cache=url, WORKERS="1")
        with rig.instances(directory, environment) as [instance]:
            somebody = person()
            assert rig.ask(instance, REGISTER, input=somebody).data["register"]["errors"] == []
            counted_before = keys(primary)
            primary.end(signal.SIGKILL)
            statuses = set()

            def signs_in_until(happens: bool) -> bool:
                statuses.add(sign_in(instance, somebody).status)
                return happens

            rig.until("the replica is promoted", lambda: signs_in_until(role(replica) == b"master"), seconds=20)
            command(replica, "FLUSHALL")
            rig.until("the replica counts", lambda: signs_in_until(bool(keys(replica))), seconds=SECONDS)
            health = json.loads(rig.fetch(instance, "GET", "/readyz")[2])

    assert counted_before
    assert statuses == {HTTPStatus.OK}
    assert health["status"] == "ok"


def sign_in(instance: rig.Instance, somebody: dict[str, str]) -> Any:
    """The answer to `tokenAuth`."""
    return rig.ask(instance, TOKEN_AUTH, input={"email": somebody["email"], "password": somebody["password"]})


def command(cache: rig.Redis, *words: str) -> Any:
    """What Redis answers."""
    with Client(port=cache.port, password=cache.password or None) as client:
        return client.execute_command(*words)


def knows(directory: Path, replica: rig.Redis) -> bool:
    """Whether the Sentinel there has written down the replica."""
    return f"known-replica watched 127.0.0.1 {replica.port}" in (directory / "sentinel.conf").read_text()


def role(cache: rig.Redis) -> bytes:
    """`master` or `slave`."""
    found: bytes = command(cache, "ROLE")[0]
    return found


def keys(cache: rig.Redis) -> list[bytes]:
    """The buckets of limits that it has."""
    found: list[bytes] = command(cache, "KEYS", "*{guard}*")
    return found


def connections(cache: rig.Redis) -> set[int]:
    """The numbers of its clients but this one."""
    with Client(port=cache.port) as client:
        own = client.client_id()
        return {int(other["id"]) for other in client.client_list()} - {own}

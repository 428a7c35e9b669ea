"""The store of limits: Redis if it is there, this process if not (S56)."""

import logging
import threading
import time

import pytest
import redis
from django.core.cache import caches

import project.cache
from accounts.conf import Rate
from accounts.guard import store
from accounts.guard.errors import RateLimited
from accounts.guard.limits import Action, attempt
from accounts.guard.store import Bucket, Empty, Pair, Taken
from accounts.passwords.errors import InvalidCredentials
from accounts.shared import metrics
from accounts.shared.caller import Caller
from tests.redis_server import configuration, redis_server

PER_PAIR = 10
COUNTED_ALONE = "latchkey_rate_limit_local_attempts_total"


def bucket(name, attempts=2, seconds=60):
    """A bucket."""
    return Bucket(name, Rate(attempts, seconds))


@pytest.mark.usefixtures("counted")
def test_an_attempt_is_taken_from_all_buckets_or_from_none():
    """S52: a refusal leaves the others as they were."""
    small, large = bucket("small"), bucket("large", attempts=3)
    for _ in range(2):
        store.take([small], None)

    _where, refused = store.take([large, small], None)
    assert isinstance(refused, Empty)
    assert refused.bucket == small
    assert 29e6 < refused.microseconds <= 30e6

    outcomes = [store.take([large], None)[1] for _ in range(4)]
    assert [type(outcome) for outcome in outcomes] == [Taken, Taken, Taken, Empty]


@pytest.mark.usefixtures("counted")
def test_the_longest_wait_is_told():
    """Sooner, another bucket would refuse."""
    quick, slow = bucket("quick", attempts=1, seconds=10), bucket("slow", attempts=1, seconds=600)
    store.take([quick, slow], None)

    _where, refused = store.take([quick, slow], None)

    assert isinstance(refused, Empty)
    assert refused.bucket == slow


def test_nothing_is_given_back_twice(counted):
    """A bucket never holds more than its attempts."""
    where, taken = store.take([bucket("a")], None)
    for _ in range(5):
        store.give_back(where, taken.buckets, None)

    outcomes = [store.take([bucket("a")], None)[1] for _ in range(3)]
    assert [type(outcome) for outcome in outcomes] == [Taken, Taken, Empty]


def test_redis_forgets_what_is_full_again(in_redis, redis_of_module):
    """S92: each key expires when its bucket is full, and what was given back is gone at once."""
    pair = Pair("account", "address")
    store.take([bucket("a")], pair)
    where, taken = store.take([bucket("b")], pair)
    store.give_back(where, taken.buckets, pair)

    with redis.Redis(port=redis_of_module.port, decode_responses=True) as client:
        left = {key.rpartition("}:")[2]: client.pttl(key) for key in client.scan_iter()}
    assert left.keys() == {"a", "known:account"}
    assert 0 < left["a"] <= 30_000
    assert 0 < left["known:account"] <= store.KNOWN_FOR * 1000


def test_an_attempt_is_one_round_trip(in_redis, redis_of_module):
    """Both ways, once Redis knows the scripts."""
    buckets = [bucket(str(number)) for number in range(5)]
    store.give_back(*_taken(buckets), Pair("account", "address"))
    with redis.Redis(port=redis_of_module.port) as client:
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"], _commands(client)
        store.give_back(*_taken(buckets), Pair("account", "address"))
        after = client.info("commandstats")["cmdstat_evalsha"]["calls"], _commands(client)

    # Without what the scripts call within Redis, and what this test asks.
    assert after[0] - before[0] == 2
    assert after[1] == before[1]


def _taken(buckets):
    where, taken = store.take(buckets, Pair("account", "address"))
    return where, taken.buckets


def _commands(client):
    """How often other commands came than those of the scripts, and INFO."""
    inner = {"time", "get", "set", "del", "zscore", "zadd", "zremrangebyrank", "expire", "evalsha", "info"}
    stats = client.info("commandstats")
    return {name: stat["calls"] for name, stat in stats.items() if name.removeprefix("cmdstat_") not in inner}


def test_memory_forgets_what_is_full_again(in_memory):
    """S92: at the next attempts, a few each time."""
    for number in range(100):
        store.take([bucket(str(number))], None)
    in_memory.advance(31)
    for number in range(10):
        store.take([bucket(f"new {number}")], None)

    assert len(in_memory.keys()) == 10


def test_memory_is_bounded(in_memory, monkeypatch):
    """S92: what was used least recently goes first."""
    monkeypatch.setattr(store, "MOST_BUCKETS", 50)
    monkeypatch.setattr(store, "MOST_KNOWN", 50)
    for number in range(200):
        where, taken = store.take([bucket(f"{number:03}")], None)
        store.give_back(where, (), Pair(f"account {number:03}", "address"))
        assert isinstance(taken, Taken)

    assert in_memory.keys() == [*(f"{n:03}" for n in range(150, 200)), *(f"account {n:03}" for n in range(150, 200))]


@pytest.fixture
def server(tmp_path, settings):
    """A Redis that attempts are counted in."""
    with redis_server(tmp_path) as started:
        settings.CACHES = configuration(started.port)
        settings.TRUSTED_PROXIES = 1
        yield started
    caches.close_all()
    project.cache.SERVERS._retry_at.clear()
    store.FALLBACK.away = False


def failed():
    """Whether a failing attempt was admitted."""
    try:
        with attempt(Action.SIGN_IN, account="ada@example.com", caller=Caller(ip_address="192.0.2.1")):
            raise InvalidCredentials  # noqa: TRY301 - the body's
    except RateLimited:
        return False
    except InvalidCredentials:
        return True


def leave_redis_alone_no_longer():
    """The time to leave it alone is over."""
    waiting = project.cache.SERVERS._retry_at
    waiting.update(dict.fromkeys(waiting, 0.0))


def test_the_process_limits_alone_while_redis_is_away(server, caplog):
    """S56: with the same limits, one loud line, and a count for the metrics; then together again."""
    caplog.set_level(logging.WARNING)
    counted_alone = metrics.REGISTRY.get_sample_value(COUNTED_ALONE)
    assert [failed() for _ in range(PER_PAIR + 2)] == [True] * PER_PAIR + [False] * 2

    server.stop()

    assert [failed() for _ in range(PER_PAIR + 2)] == [True] * PER_PAIR + [False] * 2
    assert metrics.REGISTRY.get_sample_value(COUNTED_ALONE) - counted_alone == PER_PAIR + 2
    loud = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert loud == ["Redis is unavailable: until it is back, each process limits attempts by itself"]

    server.start_again()
    leave_redis_alone_no_longer()

    assert [failed() for _ in range(PER_PAIR + 2)] == [True] * PER_PAIR + [False] * 2
    assert metrics.REGISTRY.get_sample_value(COUNTED_ALONE) - counted_alone == PER_PAIR + 2
    assert caplog.messages[-1] == "Redis is back: attempts are limited across all processes again"


def test_an_attempt_that_redis_goes_away_under_ends_as_it_would(server):
    """S56: what was taken from Redis is lost, or forgotten with it."""
    with attempt(Action.SIGN_IN, account="ada@example.com", caller=Caller(ip_address="192.0.2.1")):
        server.stop()

    assert failed()


def test_redis_that_hangs_is_waited_for_once(server, caplog):
    """S92: one attempt finds out, the others go on in the process."""
    failed()
    server.hang()
    begun = time.monotonic()

    outcomes = [failed() for _ in range(PER_PAIR + 5)]

    assert outcomes == [True] * PER_PAIR + [False] * 5
    waits = caplog.messages.count("cache unavailable: TimeoutError")
    assert 1 <= waits <= 1 + (time.monotonic() - begun) / project.cache.RETRY_AFTER


def test_the_process_limits_across_its_threads(server):
    """S56: while Redis is away too."""
    server.stop()
    failed()
    admitted = []

    def fail_often():
        admitted.extend(failed() for _ in range(5))

    threads = [threading.Thread(target=fail_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert admitted.count(True) == PER_PAIR - 1

"""A list of stolen passwords is tried on many accounts from many addresses, against a real server (S52, S53)."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.api import PASSWORD
from tests.live import Live, serving
from tests.redis_server import redis_server

ATTEMPTS, ADDRESSES, ACCOUNTS = 10_000, 200, 500
PER_ADDRESS, PER_HOUR = 20, 40
"""docs/guard.md: so many hashes for each address at first, and in each hour after that."""
AT_ONCE = 16
SINGLED_OUT = 0
"""The account that every address tries, from the beginning to the end."""
REFILL = 36
"""Seconds in which an account gains an attempt."""

SIGN_IN = "mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { errors { code retryAfter } } }"
PEOPLE = f"""
from accounts.people.models import Account
from django.contrib.auth.hashers import make_password
password = make_password({PASSWORD!r})
Account.objects.bulk_create(
    Account(email=f"p{{n}}@example.com", username=f"p{{n}}", username_key=f"p{{n}}", first_name="P", password=password)
    for n in range({ACCOUNTS})
)
"""
HASHES = """
from django.db.models import Sum
from accounts.guard.models import SecurityEvent
failures = SecurityEvent.objects.filter(type="account:login:failure", cause="INVALID_CREDENTIALS")
print("recorded:", failures.aggregate(Sum("count"))["count__sum"])
"""


class People:
    """Clients behind a proxy, which has a connection for each thread."""

    def __init__(self, live: Live) -> None:
        self._netloc = live.url.removeprefix("http://")
        self._own = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def leave(self) -> None:
        """Close all connections."""
        for connection in self._all:
            # It opens again when it is used: the server closes what is idle for long.
            connection.close()

    def sign_in(self, account: int, *, password: str, address: str) -> tuple[str, int]:
        """The code that comes back, empty if it succeeds; and the seconds to wait."""
        if not hasattr(self._own, "http"):
            self._own.http = http.client.HTTPConnection(self._netloc, timeout=300)
            self._all.append(self._own.http)
        variables = {"input": {"email": f"p{account}@example.com", "password": password}}
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"6.6.6.6, {address}"}
        self._own.http.request("POST", "/graphql", json.dumps({"query": SIGN_IN, "variables": variables}), headers)
        response = self._own.http.getresponse()
        body = json.load(response)
        assert response.status == 200
        (error,) = body["data"]["tokenAuth"]["errors"] or [{"code": "", "retryAfter": None}]
        assert (response.headers["Retry-After"] is not None) == (error["code"] == "RATE_LIMITED")
        return error["code"], error["retryAfter"] or 0


def test_most_of_a_stuffing_run_costs_no_hash_and_the_victims_get_in(tmp_path: Path):
    """S52, S53, S55: 10,000 attempts; forged addresses before the proxy's do not count."""
    cheap = {"ARGON2_MEMORY_COST": "8", "ARGON2_TIME_COST": "1"}
    # A slot for every thread: here the limits alone refuse.
    with (
        redis_server(tmp_path) as redis,
        serving(
            tmp_path,
            CACHE_URL=f"redis://127.0.0.1:{redis.port}/0",
            TRUSTED_PROXIES="1",
            WORKERS="2",
            THREADS="8",
            HASHING_SLOTS="8",
            **cheap,
        ) as live,
    ):
        live.manage("shell", "--no-imports", "-c", PEOPLE)
        attackers, victims = People(live), People(live)
        assert victims.sign_in(SINGLED_OUT, password=PASSWORD, address="203.0.113.1") == ("", 0)
        victims.leave()
        choose = random.Random(52)  # noqa: S311 - no secret
        targets = [
            (
                SINGLED_OUT if number < ADDRESSES or number % 7 == 0 else choose.randrange(1, ACCOUNTS),
                f"198.51.100.{number % ADDRESSES}",
            )
            for number in range(ATTEMPTS)
        ]
        answers: Counter[str] = Counter()
        half, counting = threading.Event(), threading.Lock()

        def attempt(target: tuple[int, str]) -> None:
            code, _wait = attackers.sign_in(target[0], password="stolen elsewhere", address=target[1])
            with counting:
                answers[code] += 1
                if answers.total() == ATTEMPTS // 2:
                    half.set()

        begun = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running = pool.map(attempt, targets)
            assert half.wait(600)
            others = {account: victims.sign_in(account, password=PASSWORD, address="203.0.113.2") for account in (1, 2)}
            singled_out = {
                address: victims.sign_in(SINGLED_OUT, password=PASSWORD, address=address)
                for address in ("203.0.113.1", "203.0.113.2")
            }
            assert answers.total() < ATTEMPTS
            list(running)
        attackers.leave()
        victims.leave()
        hours = (time.monotonic() - begun) / 3600
        recorded = live.manage("shell", "--no-imports", "-c", HASHES)

    # The holder of a target gets in from an address that is new. Where all addresses try one account, one that it
    # signed in from before does; from a new one, the holder competes for the attempts that the account regains, and
    # after the flood waits for one at most.
    assert others == {1: ("", 0), 2: ("", 0)}
    assert singled_out["203.0.113.1"] == ("", 0)
    code, wait = singled_out["203.0.113.2"]
    assert code in {"", "RATE_LIMITED"}
    assert wait <= REFILL
    assert answers.keys() == {"INVALID_CREDENTIALS", "RATE_LIMITED"}
    assert answers.total() == ATTEMPTS
    hashes = answers["INVALID_CREDENTIALS"]
    assert ADDRESSES * (PER_ADDRESS - 1) <= hashes <= ADDRESSES * (PER_ADDRESS + PER_HOUR * hours)
    assert f"recorded: {hashes}" in recorded

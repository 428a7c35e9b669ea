"""`me` while 64 clients sign in at once (S92): `python -m tests.bench.storm`.

Milliseconds as the client sees them, at rest and in the storm, with the default slots for hashing and with a slot for
every thread. These clients wait as long as `retryAfter` says. Then with clients that never wait, each from an address
of its own: with the right password of an account each, and with wrong ones, which the limits soon refuse. Database and
cache are those of DATABASE_URL and CACHE_URL (PostgreSQL and Redis for claims); the machine should have nothing else
to do.
"""

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from tests.api import PASSWORD, REGISTER
from tests.live import Live, serving

CLIENTS = 64
PROBES = 4
"""Connections that ask for `me`, 20 times a second each: far from what the service can do."""
SECONDS = 12
PAUSE = 0.05
SIGN_IN = """
mutation ($input: TokenAuthInput!) {
  tokenAuth(input: $input) { tokens { accessToken } errors { code retryAfter } }
}
"""
PEOPLE = f"""
from accounts.people.models import Account
from django.contrib.auth.hashers import make_password
Account.objects.bulk_create(
    Account(email=f"p{{n}}@example.com", username=f"p{{n}}", username_key=f"p{{n}}", first_name="P",
            password=make_password({PASSWORD!r}))
    for n in range({CLIENTS})
)
"""


class Connection:
    """A connection that is kept."""

    def __init__(self, url: str) -> None:
        self._http = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)

    def post(self, query: str, **headers: str) -> Any:
        """The data of the answer to a body."""
        self._http.request("POST", "/graphql", query, {"Content-Type": "application/json", **headers})
        response = self._http.getresponse()
        body = json.load(response)
        assert response.status == 200, body
        return body["data"]


def in_threads(number: int, target: Any) -> None:
    """Run it in so many threads, each with its number, until all end."""
    threads = [threading.Thread(target=target, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def probe(url: str, token: str, seconds: float, results: Any) -> None:
    """Ask for `me` and report how long each answer took. Runs in a process of its own."""
    times: list[float] = []
    body = json.dumps({"query": "{ me { id email username } }"})

    def ask(number: int) -> None:
        connection = Connection(url)
        time.sleep(PAUSE * number / PROBES)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            begun = time.monotonic()
            connection.post(body, Authorization=f"Bearer {token}")
            times.append((time.monotonic() - begun) * 1000)
            time.sleep(PAUSE)

    in_threads(PROBES, ask)
    results.put(times)


@dataclass(frozen=True)
class Storm:
    """How its clients are."""

    password: str = PASSWORD
    patient: bool = True
    """Whether they wait as long as they are told."""


PATIENT = Storm()


def storm(url: str, kind: Storm, over: Event, results: Any) -> None:
    """Sign in again and again, and report how the answers were. Runs in a process of its own."""
    answers: Counter[str] = Counter()
    times: list[float] = []

    def sign_in(number: int) -> None:
        connection = Connection(url)
        variables = {"input": {"email": f"p{number}@example.com", "password": kind.password}}
        address = {"X-Forwarded-For": f"198.51.100.{number}"}
        body = json.dumps({"query": SIGN_IN, "variables": variables})
        begun = time.monotonic()
        while not over.is_set():
            errors = connection.post(body, **address)["tokenAuth"]["errors"]
            answers[errors[0]["code"] if errors else "signed in"] += 1
            if errors and kind.patient:
                over.wait(errors[0]["retryAfter"])
            elif not errors:
                times.append(time.monotonic() - begun)
                begun = time.monotonic()

    in_threads(CLIENTS, sign_in)
    results.put((answers, times))


def measured(live: Live, token: str) -> list[float]:
    """How long each `me` took."""
    context = get_context("spawn")
    results = context.Queue()
    process = context.Process(target=probe, args=(live.url, token, SECONDS, results))
    process.start()
    times: list[float] = results.get()
    process.join()
    return times


def told(times: list[float]) -> str:
    """Median and 99th percentile."""
    percentiles = statistics.quantiles(times, n=100, method="inclusive")
    return (
        f"p50 {percentiles[49]:7.1f} ms   p99 {percentiles[98]:7.1f} ms   max {max(times):7.1f} ms   ({len(times)} ×)"
    )


def run(name: str, kind: Storm = PATIENT, **environment: str) -> None:
    """Print the numbers of a server with these settings."""
    context = get_context("spawn")
    settings = {"TRUSTED_PROXIES": "1", **environment}
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory), **settings) as live:
        live.manage("shell", "--no-imports", "-c", PEOPLE)
        fields = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
        token = live.post(REGISTER, input=fields)[1]["data"]["register"]["tokens"]["accessToken"]
        measured(live, token)  # warms up
        rest = measured(live, token)
        over, results = context.Event(), context.Queue()
        process = context.Process(target=storm, args=(live.url, kind, over, results))
        process.start()
        time.sleep(2)
        stormy = measured(live, token)
        over.set()
        answers, waits = results.get()
        process.join()
    ratio = statistics.quantiles(stormy, n=100)[98] / statistics.quantiles(rest, n=100)[98]
    print(name)
    print(f"  me at rest       {told(rest)}")
    print(f"  me in the storm  {told(stormy)}   p99 is {ratio:.1f} × that at rest")
    print("  sign-ins         " + ", ".join(f"{number} × {answer}" for answer, number in answers.most_common()), end="")
    print(f"; the median, with its waits, took {statistics.median(waits):.2f} s" if waits else "", flush=True)


def main() -> None:
    """Print all."""
    run("the default slots")
    run("a slot for every thread", HASHING_SLOTS="1000")
    run("the default slots, clients that never wait", Storm(patient=False))
    run("the default slots, clients that never wait, with wrong passwords", Storm(password="wrong", patient=False))


if __name__ == "__main__":
    main()

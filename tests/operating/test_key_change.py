"""S90: the rolling change of docs/secrets.md under load, with two servers, one PostgreSQL and one Redis."""

import contextlib
import email
import http.cookiejar
import itertools
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.policy import default as modern
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from tests.api import AUTH_URL, CONVERT, PASSWORD, REFRESH, REGISTER
from tests.live import UNLIMITED, Live, fresh_database, serving
from tests.passwords.mailed import REQUEST_RESET, RESET
from tests.providers.server import Providers, Server
from tests.redis_server import redis_server

OLD, NEW, MAIL = "k7Qw-Zp2_xL9" * 4, "mB4s_Tz8-vR1" * 4, "hD6n-Yc3_wJ5" * 4
PHASES = [
    {"SECRET_KEY": OLD},
    {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": NEW, "MAILED_CODE_KEYS": f"{OLD},{MAIL}"},
    {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD, "MAILED_CODE_KEYS": f"{MAIL},{OLD}"},
    {"SECRET_KEY": NEW, "MAILED_CODE_KEYS": MAIL},
]
"""The settings before, and in each phase. The keys of mailed codes, which SECRET_KEY was, are introduced on the way."""
CLIENTS = 3
ROUNDS = 4
"""That each client goes through in each state of the two servers."""
DEADLINE = 60
"""Seconds for that."""
ROOT = ("root@example.com", "an administrators passphrase")
CALLBACK = "http://localhost:5173/callback"


@dataclass
class Cluster:
    """Two servers, of which one may be away."""

    directory: Path
    environment: dict[str, str]
    stacks: list[contextlib.ExitStack] = field(default_factory=lambda: [contextlib.ExitStack() for _ in range(2)])
    servers: list[Live | None] = field(default_factory=lambda: [None, None])

    def restart(self, number: int, **changes: str) -> None:
        """Stop a server and start it with other keys."""
        self.servers[number] = None
        self.stacks[number].close()
        directory = self.directory / str(number)
        directory.mkdir(exist_ok=True)
        self.servers[number] = self.stacks[number].enter_context(serving(directory, **self.environment, **changes))

    def post(self, query: str, *, first: int = 0, headers: dict[str, str] | None = None, **variables: Any) -> Any:
        """What a client gets behind a proxy that tries the other server if one does not answer."""
        for number in itertools.islice(itertools.cycle((first, 1 - first)), 200):
            server = self.servers[number]
            if server is not None:
                with contextlib.suppress(OSError, HTTPException, json.JSONDecodeError):
                    status, body = server.post(query, headers=headers, **variables)
                    assert status == 200, body
                    return body["data"]
            time.sleep(0.05)
        raise AssertionError("no server answers")

    @property
    def both(self) -> list[Live]:
        """The servers, while both run."""
        return [server for server in self.servers if server is not None]


@pytest.fixture
def cluster(tmp_path, provider_server: Server) -> Iterator[Cluster]:
    """Both with the first keys."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("two servers share a PostgreSQL: DATABASE_URL")
    with fresh_database(tmp_path, migrated=True) as database, redis_server(tmp_path) as redis:
        environment = {
            "DATABASE_URL": database,
            "CACHE_URL": f"redis://127.0.0.1:{redis.port}/0",
            "EMAIL_URL": f"outbox://{tmp_path / 'outbox'}",
            "ARGON2_MEMORY_COST": "8",
            "ARGON2_TIME_COST": "1",
            **UNLIMITED,
            **provider_server.providers.environment,
        }
        made = Cluster(tmp_path, environment)
        try:
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda number: made.restart(number, **PHASES[0]), range(2)))
            yield made
        finally:
            for stack in made.stacks:
                stack.close()


class RefreshingClient(threading.Thread):
    """Somebody whose devices refresh the same token at both servers at once, and repeat it."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.cluster, self.rounds, self.refreshes, self.wrong = cluster, 0, 0, list[Any]()
        self.stopping = threading.Event()
        person = {"email": f"{name}@example.com", "username": name, "firstName": "Ada", "password": PASSWORD}
        self.token = cluster.post(REGISTER, input=person)["register"]["tokens"]["refreshToken"]

    def refresh(self, first: int) -> tuple[str, str] | None:
        """The pair; None if it is refused."""
        payload = self.cluster.post(REFRESH, first=first, input={"refreshToken": self.token})["refreshToken"]
        self.refreshes += 1
        return (payload["tokens"]["accessToken"], payload["tokens"]["refreshToken"]) if payload["tokens"] else None

    def run(self) -> None:
        """Until it is stopped, or something is wrong."""
        with ThreadPoolExecutor(2) as pool:
            while not self.stopping.is_set() and not self.wrong:
                pairs = {*pool.map(self.refresh, (0, 1)), self.refresh(self.rounds % 2)}
                if len(pairs) != 1 or None in pairs:
                    self.wrong.append(pairs)
                    return
                access, self.token = pairs.pop()
                # The next round's predecessor has been used then, so that only the grace period answers a repeat.
                me = self.cluster.post("{ me { email } }", first=1, headers={"Authorization": f"Bearer {access}"})["me"]
                if me is None:
                    self.wrong.append("signed out")
                self.rounds += 1

    def stop(self) -> None:
        """At the end of the round."""
        self.stopping.set()
        self.join(DEADLINE)


@pytest.fixture
def clients(cluster) -> Iterator[list[RefreshingClient]]:
    """They refresh until the test ends."""
    running = [RefreshingClient(cluster, f"client{number}") for number in range(CLIENTS)]
    for client in running:
        client.start()
    yield running
    for client in running:
        client.stop()


def go_on(clients: list[RefreshingClient]) -> None:
    """Let each go through some rounds with the servers as they are now. Fails if one is refused, or stands still."""
    goals = [(client, client.rounds + ROUNDS) for client in clients]
    until = time.monotonic() + DEADLINE
    while any(client.rounds < goal for client, goal in goals) and time.monotonic() < until:
        assert [client.wrong for client in clients if client.wrong] == []
        time.sleep(0.05)
    assert [client.name for client, goal in goals if client.rounds < goal] == []


@dataclass
class Travellers:
    """What begins at one server before a restart, and ends at the other after it."""

    cluster: Cluster
    providers: Providers
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def depart(self, at: int) -> None:
        """Begin a visit to a provider and the reset of a password, and lose the answer of a refresh."""
        number = next(self.numbers)
        asked = {"provider": "corp", "redirectUri": CALLBACK}
        visit = self.cluster.post(AUTH_URL, first=at, input=asked)["createSocialAuthUrl"]["authorization"]
        self.person = {"sub": f"sub-{number}", "email": f"visitor{number}@example.com"}
        self.credential = {
            "code": {**self.providers["openid"].authorize(visit["url"], **self.person), "flow": visit["flow"]}
        }
        self.email = f"traveller{number}@example.com"
        person = {"email": self.email, "username": f"t{number}", "firstName": "Ada", "password": PASSWORD}
        self.token = self.cluster.post(REGISTER, first=at, input=person)["register"]["tokens"]["refreshToken"]
        self.lost = self.refresh(at)
        self.challenge = self.cluster.post(REQUEST_RESET, first=at, input={"email": self.email})[
            "requestPasswordReset"
        ]["mailedCode"]["token"]
        self.link, self.code = self.mailed()

    def arrive(self, at: int) -> None:
        """End all of it at this server."""
        assert self.refresh(at) == self.lost
        converted = self.cluster.post(CONVERT, first=at, input={"provider": "corp", "credential": self.credential})[
            "convertSocialToken"
        ]
        assert [error["code"] for error in converted["errors"]] in ([], ["PROFILE_REQUIRED"]), converted
        typed = {"code": {"challengeToken": self.challenge, "code": self.code}}
        for credential in ({"linkToken": self.link}, typed)[next(self.numbers) % 2 :][:1]:
            given = {"credential": credential, "newPassword": "a passphrase of the holder"}
            assert self.cluster.post(RESET, first=at, input=given)["resetPassword"]["errors"] == []

    def refresh(self, at: int) -> tuple[str, str]:
        """The pair for the same token."""
        tokens = self.cluster.post(REFRESH, first=at, input={"refreshToken": self.token})["refreshToken"]["tokens"]
        return tokens["accessToken"], tokens["refreshToken"]

    def mailed(self) -> tuple[str, str]:
        """Link token and code of the mail, whichever server's worker sends it."""
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            for path in sorted((self.cluster.directory / "outbox").glob("*.eml"), reverse=True):
                with contextlib.suppress(FileNotFoundError):
                    message = email.message_from_bytes(path.read_bytes(), policy=modern)
                    text = message.get_body(("plain",)).get_content()
                    found = (
                        re.search(r"reset-password#token=(\S+)", text),
                        re.search(r"^    (\S{4}-\S{4})$", text, re.MULTILINE),
                    )
                    if message["To"] == self.email and all(found):
                        return found[0][1], found[1][1]
            time.sleep(0.05)
        raise AssertionError("no mail")


def administrator(live: Live) -> Any:
    """Signs in to the administration: opens its pages with one cookie at either server."""
    live.manage(
        "shell",
        "-c",
        f"from accounts.people.models import Account;"
        f"Account.objects.create_superuser({ROOT[0]!r}, {ROOT[1]!r}, username='root', first_name='Root')",
    )
    opener = build_opener(HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = opener.open(f"{live.url}/admin/login/", timeout=DEADLINE).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    form = {"username": ROOT[0], "password": ROOT[1], "csrfmiddlewaretoken": token[1]}
    opener.open(Request(f"{live.url}/admin/login/?next=/admin/", urlencode(form).encode()), timeout=DEADLINE).read()
    return opener


def opens(administrator: Any, server: Live) -> bool:
    """Whether the administration greets, and does not ask to sign in."""
    with administrator.open(f"{server.url}/admin/", timeout=DEADLINE) as page:
        return "/admin/login/" not in page.url


def test_a_rolling_change_loses_no_session_and_refuses_no_refresh(cluster, clients, provider_server: Server):
    """Six restarts, one server at a time; in each state, all refresh at both, and what was begun is ended."""
    root = administrator(cluster.both[0])
    travellers = Travellers(cluster, provider_server.providers)
    for phase, keys in enumerate(PHASES[1:], start=1):
        for number in range(2):
            # The last phase waits until all that the old key made has ended: it would find nothing on its way.
            travelling = phase < len(PHASES) - 1
            if travelling:
                travellers.depart(at=1 - number if phase % 2 else number)
            cluster.restart(number, **keys)
            go_on(clients)
            if travelling:
                travellers.arrive(at=number)
                # Two pages at once at each.
                with ThreadPoolExecutor() as pool:
                    assert all(pool.map(partial(opens, root), cluster.both * 2))
    for client in clients:
        client.stop()

    assert [client.wrong for client in clients] == [[]] * CLIENTS
    assert sum(client.refreshes for client in clients) > 36
    print(f"{sum(client.refreshes for client in clients)} refreshes, 0 refused")  # noqa: T201 - measured

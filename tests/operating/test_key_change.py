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

import pyotp
import pytest

from tests.api import AUTH_URL, CONVERT, PASSWORD, REFRESH, REGISTER
from tests.authenticator import ORIGIN, Authenticator
from tests.live import UNLIMITED, Live, fresh_database, serving
from tests.mfa.calls import ANSWER, CONFIRM, CREATE, SIGN_IN
from tests.passkeys.calls import ADD, ASK, BEGIN, creation
from tests.passkeys.calls import SIGN_IN as WITH_PASSKEY
from tests.passkeys.calls import answer as shown
from tests.passwords.mailed import REQUEST_RESET, RESET
from tests.providers.server import Providers, Server
from tests.redis_server import redis_server

OLD, NEW, MAIL, FACTORS = ("k7Qw-Zp2_xL9" * 4, "mB4s_Tz8-vR1" * 4, "hD6n-Yc3_wJ5" * 4, "qF2t-Xe7_gK8" * 4)
PHASES = [
    {"SECRET_KEY": OLD},
    {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": NEW, "MAILED_CODE_KEYS": f"{OLD},{MAIL}"},
    {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD, "MAILED_CODE_KEYS": f"{MAIL},{OLD}"},
    {"SECRET_KEY": NEW, "MAILED_CODE_KEYS": MAIL},
]
"""The settings before, and in each phase. The keys of mailed codes, which SECRET_KEY was, are introduced on the way."""
FACTOR_PHASES = [
    {"SECRET_KEY": OLD},
    {"SECRET_KEY": OLD, "MFA_KEYS": f"{OLD},{FACTORS}"},
    {"SECRET_KEY": OLD, "MFA_KEYS": f"{FACTORS},{OLD}"},
    {"SECRET_KEY": OLD, "MFA_KEYS": FACTORS},
]
"""The same for the keys of second factors, which SECRET_KEY was."""
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
            "PASSKEY_RP_ID": "localhost",
            "PASSKEY_ORIGINS": ORIGIN,
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
                # Leaves processors to servers that start.
                self.stopping.wait(0.05)

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
class Traveller:
    """Somebody who begins at one server, and ends at the other."""

    cluster: Cluster
    providers: Providers
    begins: int
    ends: int
    name: str

    def travel(self) -> None:
        """Repeat a refresh whose answer was lost, come back from a provider, and choose a password by mail."""
        self._repeat()
        self._visit()
        self._reset({"linkToken": self._mailed(r"#token=(\S+)")} if self.begins else {"code": self._typed()})

    def _repeat(self) -> None:
        person = {"email": self.email, "username": self.name, "firstName": "Ada", "password": PASSWORD}
        token = self._begin(REGISTER, **person)["tokens"]["refreshToken"]
        lost = self._begin(REFRESH, refreshToken=token)["tokens"]
        again = self._end(REFRESH, refreshToken=token)["tokens"]
        assert again["refreshToken"] == lost["refreshToken"]
        self.challenge = self._begin(REQUEST_RESET, email=self.email)["mailedCode"]["token"]

    def _visit(self) -> None:
        asked = self._begin(AUTH_URL, provider="corp", redirectUri=CALLBACK)["authorization"]
        person = {"sub": self.name, "email": f"visitor-{self.email}"}
        code = {**self.providers["openid"].authorize(asked["url"], **person), "flow": asked["flow"]}
        errors = self._end(CONVERT, provider="corp", credential={"code": code})["errors"]
        assert [error["code"] for error in errors] in ([], ["PROFILE_REQUIRED"])

    def _reset(self, credential: dict[str, Any]) -> None:
        assert self._end(RESET, credential=credential, newPassword="a passphrase of the holder")["errors"] == []

    def _typed(self) -> dict[str, str]:
        return {"challengeToken": self.challenge, "code": self._mailed(r"(?m)^    (\w{4}-\w{4})$")}

    def _mailed(self, pattern: str) -> str:
        """The link or code of the mail, whichever server's worker sends it."""
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            for path in sorted((self.cluster.directory / "outbox").glob("*.eml"), reverse=True):
                with contextlib.suppress(FileNotFoundError):
                    message = email.message_from_bytes(path.read_bytes(), policy=modern)
                    found = re.search(pattern, message.get_body(("plain",)).get_content())
                    if message["To"] == self.email and "reset-password" in message.as_string() and found:
                        return found[1]
            time.sleep(0.05)
        raise AssertionError("no mail")

    @property
    def email(self) -> str:
        """Of the account."""
        return f"{self.name}@example.com"

    def _begin(self, query: str, **given: Any) -> Any:
        (payload,) = self.cluster.post(query, first=self.begins, input=given).values()
        return payload

    def _end(self, query: str, **given: Any) -> Any:
        (payload,) = self.cluster.post(query, first=self.ends, input=given).values()
        return payload


@dataclass
class Holder:
    """Somebody with an app, recovery codes and a passkey, who begins at one server and ends at the other."""

    cluster: Cluster
    name: str
    begins: int = 0
    ends: int = 1
    secret: str = ""
    recovery_codes: list[str] = field(default_factory=list)
    authenticator: Authenticator = field(default_factory=Authenticator)

    @property
    def email(self) -> str:
        """Of the account."""
        return f"{self.name}@example.com"

    def register(self) -> str:
        """Make the account; returns the access token."""
        person = {"email": self.email, "username": self.name, "firstName": "Ada", "password": PASSWORD}
        payload = self.cluster.post(REGISTER, first=self.begins, input=person)["register"]
        return str(payload["tokens"]["accessToken"])

    def set_up(self, access_token: str) -> None:
        """Set the passkey and the app up: the second server gets the tokens that the first one made."""
        headers = {"Authorization": f"Bearer {access_token}"}
        ceremony = self.cluster.post(BEGIN, first=self.begins, headers=headers)["createPasskeyRegistration"]["ceremony"]
        added = self.cluster.post(ADD, first=self.ends, headers=headers, input=creation(ceremony, self.authenticator))
        assert added["addPasskey"]["errors"] == []
        begun = self.cluster.post(CREATE, first=self.begins, headers=headers)["createTotpEnrollment"]
        assert begun["errors"] == []
        self.secret = begun["enrollment"]["secret"]
        given = {"challengeToken": begun["enrollment"]["token"], "code": self.code()}
        confirmed = self.cluster.post(CONFIRM, first=self.ends, headers=headers, input=given)["confirmTotpEnrollment"]
        assert confirmed["errors"] == []
        self.recovery_codes = confirmed["recoveryCodes"]

    def code(self, later: int = 0) -> str:
        """That the app shows, or will show in so many seconds."""
        return pyotp.TOTP(self.secret).at(int(time.time()) + later)

    def sign_in(self, **factor: str) -> None:
        """With the password at one server, and the factor at the other."""
        password = {"email": self.email, "password": PASSWORD}
        waiting = self.cluster.post(SIGN_IN, first=self.begins, input=password)["tokenAuth"]
        assert [error["code"] for error in waiting["errors"]] == ["MFA_REQUIRED"]
        given = {"challengeToken": waiting["challenge"]["token"], "factor": factor}
        payload = self.cluster.post(ANSWER, first=self.ends, input=given)["answerMfaChallenge"]
        assert payload["tokens"], payload["errors"]

    def sign_in_with_passkey(self) -> None:
        """Asked for at one server, and shown to the other."""
        ceremony = self.cluster.post(ASK, first=self.begins)["createPasskeyAssertion"]["ceremony"]
        given = {"passkey": shown(ceremony, self.authenticator)}
        payload = self.cluster.post(WITH_PASSKEY, first=self.ends, input=given)["tokenAuthWithPasskey"]
        assert payload["tokens"], payload["errors"]

    def sign_in_by_each(self, begins: int) -> None:
        """With a code of the app, with a recovery code, and with the passkey."""
        self.begins, self.ends = begins, 1 - begins
        # Not the step of the code that set the app up: no code counts twice.
        self.sign_in(totpCode=self.code(later=30))
        self.sign_in(recoveryCode=self.recovery_codes.pop())
        self.sign_in_with_passkey()


VERIFY_ALL = "from accounts.people.models import Account; Account.objects.update(email_verified=True)"


def holders(cluster: Cluster, names: list[str]) -> list[Holder]:
    """People with these names, who set their apps up now."""
    found = [Holder(cluster, name) for name in names]
    tokens = [holder.register() for holder in found]
    cluster.both[0].manage("shell", "-c", VERIFY_ALL)
    for holder, token in zip(found, tokens, strict=True):
        holder.set_up(token)
    return found


def changed_in_phases(cluster: Cluster, phases: list[dict[str, str]]) -> Iterator[tuple[int, int]]:
    """Restart one server after the other with each phase's keys; yields the phase and the server."""
    for phase, number in itertools.product(range(1, len(phases)), range(2)):
        if phase == len(phases) - 1 and number == 0:
            # Before a former key is gone.
            cluster.both[0].manage("reseal_factors")
        cluster.restart(number, **phases[phase])
        yield phase, number


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
    """Six restarts, one server at a time; in each state, what begins at one server ends at the other."""
    root = administrator(cluster.both[0])
    old_hands = holders(cluster, [f"holder{number}" for number in range(2 * (len(PHASES) - 1))])
    for phase, number in changed_in_phases(cluster, PHASES):
        go_on(clients)
        old_hands.pop().sign_in_by_each(begins=number)
        for begins, ends in ((0, 1), (1, 0)):
            name = f"traveller{phase}{number}{begins}"
            Traveller(cluster, provider_server.providers, begins, ends, name).travel()
        # Phase 3 comes after the old key's sessions of the administration have ended. Two pages at once at each server.
        if phase < len(PHASES) - 1:
            with ThreadPoolExecutor() as pool:
                assert all(pool.map(partial(opens, root), cluster.both * 2))
    for client in clients:
        client.stop()

    assert [client.wrong for client in clients] == [[]] * CLIENTS
    assert sum(client.refreshes for client in clients) > 36
    print(f"{sum(client.refreshes for client in clients)} refreshes, 0 refused")  # noqa: T201 - measured


def test_a_rolling_change_of_the_keys_of_factors_refuses_no_factor(cluster, clients):
    """S75: neither of apps that were set up before, nor of those that are set up on the way."""
    old_hands = holders(cluster, [f"holder{number}" for number in range(4 * (len(FACTOR_PHASES) - 1))])
    for phase, number in changed_in_phases(cluster, FACTOR_PHASES):
        go_on(clients)
        newcomers = holders(cluster, [f"newcomer{phase}{number}{begins}" for begins in range(2)])
        for begins, newcomer in enumerate(newcomers):
            old_hands.pop().sign_in_by_each(begins)
            newcomer.sign_in_by_each(begins)

    assert [client.wrong for client in clients] == [[]] * CLIENTS

"""Who is measured side by side: this service, bare Django views over its rows, and the peers of tests/bench/peers."""

import contextlib
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
import venv
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from accounts.conf import DEFAULTS, Latchkey
from tests.api import PASSWORD
from tests.bench.load import Client, ask, open_files, request, workers
from tests.live import ROOT, Live, free_port, fresh_database, serving

Exchange = Generator[bytes, bytes, None]

PEERS = ("drf-social-oauth2", "django-graphql-jwt", "strawberry-django-auth")
OURS = "Latchkey"
HASH = "bare view that only hashes"
BARE, BARE_BEHIND, BARE_LOOK_UP = BARE_VIEWS = (
    "bare Django view",
    "bare view, our middleware",
    "bare view, our look-up too",
)
IN_ORDER = (*BARE_VIEWS, HASH, *PEERS, OURS)

ME, USERS, SIGN_IN, REFRESH, REGISTER = OPERATIONS = ("me", "users(first: 50)", "sign-in", "refresh", "register")

WORKERS, THREADS = 2, 8
CONNECTIONS = 2 * WORKERS
SESSIONS = 4
"""That each connection refreshes in turn."""
PEOPLE = 100

HASHING = Latchkey()
COST = {
    "ARGON2_TIME_COST": str(HASHING.argon2_time_cost),
    "ARGON2_MEMORY_COST": str(HASHING.argon2_memory_cost),
    "ARGON2_PARALLELISM": str(HASHING.argon2_parallelism),
}
LATCHKEY = {
    "WORKERS": str(WORKERS),
    "THREADS": str(THREADS),
    "LATCHKEY_ENV": "production",
    "ALLOWED_HOSTS": "127.0.0.1",
    "BEHIND_TLS_PROXY": "true",
    "TRUSTED_PROXIES": "1",
    "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
    # Every limit that is on by default stays on, and costs what it costs, but refuses nothing.
    "RATE_LIMITS": ",".join(f"{line}=1000000/1s" for line, rate in DEFAULTS.items() if rate),
    **COST,
}
OUR_PEOPLE = """
from accounts.people.models import Account
from django.contrib.auth.hashers import make_password
password = make_password(%r)
Account.objects.bulk_create(
    Account(email=f"p{n}@example.com", username=f"p{n}", username_key=f"p{n}", first_name="P", password=password)
    for n in range(%d)
)
"""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A server that is measured."""

    name: str
    port: int
    workers: list[int]
    database: str
    """The URL of its database."""
    clients: dict[str, list[Client]] = field(default_factory=dict)
    """Of each operation that it has."""
    finished: Callable[[], bool] = lambda: True
    """Whether it has done what it does after it has answered."""


@dataclass(frozen=True, kw_only=True)
class Api:
    """How a service is asked: each makes a request, and `pair` reads access and refresh token from an answer."""

    sign_in: Callable[[int], bytes]
    refresh: Callable[[str], bytes]
    pair: Callable[[Any], tuple[str, str]]
    me: Callable[[str], bytes]
    users: Callable[[], bytes] | None = None
    register: Callable[[str], bytes] | None = None
    registered: Callable[[Any], bool] = bool


def graphql(query: str, headers: dict[str, str] | None = None, **variables: Any) -> bytes:
    """The request of an operation."""
    return request("POST", "/graphql", {"query": query, "variables": variables}, **(headers or {}))


TLS = {"X_Forwarded_Proto": "https"}
LATCHKEY_PAIR = "{ tokens { accessToken refreshToken } errors { code } }"


def latchkey_api() -> Api:
    """Ours."""
    sign_in = f"mutation ($input: TokenAuthInput!) {{ tokenAuth(input: $input) {LATCHKEY_PAIR} }}"
    refresh = f"mutation ($input: RefreshTokenInput) {{ refreshToken(input: $input) {LATCHKEY_PAIR} }}"
    register = f"mutation ($input: RegisterInput!) {{ register(input: $input) {LATCHKEY_PAIR} }}"
    users = "{ users(first: 50) { nodes { id username firstName } pageInfo { hasNextPage endCursor } } }"

    def pair(data: Any) -> tuple[str, str]:
        (payload,) = data["data"].values()
        return payload["tokens"]["accessToken"], payload["tokens"]["refreshToken"]

    return Api(
        sign_in=lambda n: graphql(sign_in, TLS, input={"email": f"p{n}@example.com", "password": PASSWORD}),
        refresh=lambda token: graphql(refresh, TLS, input={"refreshToken": token}),
        pair=pair,
        me=lambda token: graphql("{ me { id email username } }", {**TLS, "Authorization": f"Bearer {token}"}),
        users=lambda: graphql(users, TLS),
        register=lambda name: graphql(
            register,
            TLS,
            input={"email": f"{name}@example.com", "username": name, "firstName": "Ada", "password": PASSWORD},
        ),
        registered=lambda data: bool(pair(data)),
    )


def drf_social_oauth2_api() -> Api:
    """The password grant of its `/auth/token`, which refreshes too; `me` is a view of Django REST Framework."""
    client = {"client_id": "bench"}
    return Api(
        sign_in=lambda n: request(
            "POST", "/auth/token", {**client, "grant_type": "password", "username": f"p{n}", "password": PASSWORD}
        ),
        refresh=lambda token: request(
            "POST", "/auth/token", {**client, "grant_type": "refresh_token", "refresh_token": token}
        ),
        pair=lambda data: (data["access_token"], data["refresh_token"]),
        me=lambda token: request("GET", "/me", Authorization=f"Bearer {token}"),
    )


def django_graphql_jwt_api() -> Api:
    """Its refresh makes a new refresh token; the old one stays good, unless one adds a receiver that revokes it."""
    sign_in = (
        "mutation ($username: String!, $password: String!)"
        " { tokenAuth(username: $username, password: $password) { token refreshToken } }"
    )
    refresh = "mutation ($token: String!) { refreshToken(refreshToken: $token) { token refreshToken } }"

    def pair(data: Any) -> tuple[str, str]:
        (payload,) = data["data"].values()
        return payload["token"], payload["refreshToken"]

    return Api(
        sign_in=lambda n: graphql(sign_in, username=f"p{n}", password=PASSWORD),
        refresh=lambda token: graphql(refresh, token=token),
        pair=pair,
        me=lambda token: graphql("{ me { id email username } }", {"Authorization": f"JWT {token}"}),
    )


def strawberry_django_auth_api() -> Api:
    """Its refresh makes a new refresh token, and revokes the old one, if it is asked to."""
    pair_of = "{ success errors token { token } refreshToken { token } }"
    sign_in = (
        "mutation ($username: String!, $password: String!)"
        f" {{ tokenAuth(username: $username, password: $password) {pair_of} }}"
    )
    refresh = f"mutation ($token: String!) {{ refreshToken(refreshToken: $token, revokeRefreshToken: true) {pair_of} }}"
    register = (
        "mutation ($name: String!, $email: String!, $password: String!) { register(username: $name, email: $email,"
        " password1: $password, password2: $password) { success errors } }"
    )

    def pair(data: Any) -> tuple[str, str]:
        (payload,) = data["data"].values()
        return payload["token"]["token"], payload["refreshToken"]["token"]

    return Api(
        sign_in=lambda n: graphql(sign_in, username=f"p{n}", password=PASSWORD),
        refresh=lambda token: graphql(refresh, token=token),
        pair=pair,
        me=lambda token: graphql("{ me { id email username } }", {"Authorization": f"JWT {token}"}),
        register=lambda name: graphql(register, name=name, email=f"{name}@example.com", password=PASSWORD),
        registered=lambda data: data["data"]["register"]["success"],
    )


APIS = {
    "drf-social-oauth2": drf_social_oauth2_api,
    "django-graphql-jwt": django_graphql_jwt_api,
    "strawberry-django-auth": strawberry_django_auth_api,
}


def pair(api: Api, body: bytes) -> tuple[str, str]:
    """The tokens of an answer. Raises RuntimeError if it has none."""
    try:
        return api.pair(json.loads(body))
    except (KeyError, TypeError, ValueError) as error:
        raise RuntimeError(body.decode()) from error


def repeating(sent: bytes, expected: bytes) -> Exchange:
    """The same request again and again; the answer holds something."""
    while True:
        body = yield sent
        if expected not in body or b'"errors"' in body:
            raise RuntimeError(body.decode())


def signing_in(api: Api, people: range) -> Exchange:
    """One person after the other."""
    for number in itertools.cycle(people):
        body = yield api.sign_in(number)
        pair(api, body)


def refreshing(api: Api, tokens: list[str]) -> Exchange:
    """One session after the other, each with its newest token."""
    waiting = deque(tokens)
    while True:
        token = waiting.popleft()
        body = yield api.refresh(token)
        _, successor = pair(api, body)
        if successor == token:
            raise RuntimeError("The refresh token was not replaced.")
        waiting.append(successor)


def registering(api: Api, prefix: str) -> Exchange:
    """A new person each time."""
    assert api.register
    for number in itertools.count():
        body = yield api.register(f"{prefix}{number}")
        if not api.registered(json.loads(body)):
            raise RuntimeError(body.decode())


def clients_of(api: Api, port: int) -> dict[str, list[Client]]:
    """The clients of all operations of a service, each with people of its own."""
    people = PEOPLE // CONNECTIONS
    shares = [range(number * people, (number + 1) * people) for number in range(CONNECTIONS)]
    sessions = [[pair(api, ask(port, api.sign_in(n))) for n in share[:SESSIONS]] for share in shares]
    exchanges = {
        ME: [repeating(api.me(mine[0][0]), b'"username"') for mine in sessions],
        SIGN_IN: [signing_in(api, share) for share in shares],
        REFRESH: [refreshing(api, [refresh for _, refresh in mine]) for mine in sessions],
    }
    if api.users:
        exchanges[USERS] = [repeating(api.users(), b'"username"') for _ in shares]
    if api.register:
        exchanges[REGISTER] = [registering(api, f"{'abcdefgh'[n]}new") for n in range(CONNECTIONS)]
    return {operation: [Client(exchange) for exchange in both] for operation, both in exchanges.items()}


# Servers ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def latchkey_and_bare_views() -> Iterator[list[Subject]]:
    """Ours, with the bare views of tests/bench/urls.py behind its middleware and, in a second server, behind none."""
    with contextlib.ExitStack() as stack:

        def serve(settings: str, **environment: str) -> tuple[Live, int, list[int]]:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            module = f"tests.bench.{settings}"
            environment = {**LATCHKEY, "DJANGO_SETTINGS_MODULE": module, **environment}
            live = stack.enter_context(serving(Path(directory), **environment))
            port = int(live.url.rpartition(":")[2])
            return live, port, _settled(live.pid)

        live, port, processes = serve("settings")
        database = live.environment["DATABASE_URL"]
        live.manage("shell", "--no-imports", "-c", OUR_PEOPLE % (PASSWORD, PEOPLE))
        api = latchkey_api()
        tokens = [pair(api, ask(port, api.sign_in(n)))[0] for n in range(CONNECTIONS)]

        def bare(name: str, *, me: str, users: str = "", at: tuple[int, list[int]] = (port, processes)) -> Subject:
            exchanges = {
                ME: [
                    repeating(request("GET", me, Authorization=f"Bearer {token}", **TLS), b'"username"')
                    for token in tokens
                ]
            }
            if users:
                exchanges[USERS] = [repeating(request("GET", users, **TLS), b'"username"') for _ in tokens]
            clients = {operation: [Client(exchange) for exchange in both] for operation, both in exchanges.items()}
            return Subject(name=name, port=at[0], workers=at[1], database=database, clients=clients)

        _, plain_port, plain_processes = serve("plain", DATABASE_URL=database)
        hashing = [[Client(repeating(request("GET", "/bare-hash"), b"true")) for _ in tokens] for _ in range(2)]
        yield [
            Subject(
                name=HASH,
                port=plain_port,
                workers=plain_processes,
                database=database,
                clients=dict(zip((SIGN_IN, REGISTER), hashing, strict=True)),
            ),
            bare(BARE, me="/bare", users="/bare-users", at=(plain_port, plain_processes)),
            bare(BARE_BEHIND, me="/bare", users="/bare-users"),
            bare(BARE_LOOK_UP, me="/bare-fast"),
            Subject(
                name=OURS,
                port=port,
                workers=processes,
                database=database,
                clients=clients_of(api, port),
                finished=lambda: not waiting_mails(database),
            ),
        ]


def waiting_mails(database: str) -> int:
    """How many mails our workers have yet to send."""
    connect: Any = psycopg.connect
    if database.startswith("sqlite"):
        connect, database = sqlite3.connect, database.removeprefix("sqlite:///")
    with contextlib.closing(connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM accounts_mail").fetchone()[0])


@contextlib.contextmanager
def peer(name: str) -> Iterator[Subject]:
    """One of PEERS, with its people."""
    package = f"tests.bench.peers.{name.replace('-', '_')}"
    port = free_port()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(fresh_database(directory))
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
            **COST,
            "DJANGO_SETTINGS_MODULE": f"{package}.settings",
            "DATABASE_URL": database,
            "SECRET_KEY": uuid.uuid4().hex + uuid.uuid4().hex,
        }
        python = environment_of(name) / "bin" / "python"
        prepare = [python, "-m", "tests.bench.peers.prepare", str(PEOPLE), PASSWORD]
        subprocess.run(prepare, cwd=ROOT, env=environment, check=True)
        options = [f"--workers={WORKERS}", f"--threads={THREADS}", "--worker-class=gthread", "--keep-alive=75"]
        log = stack.enter_context((directory / "server.log").open("w"))
        process = stack.enter_context(
            subprocess.Popen(
                [
                    *(python, "-m", "gunicorn", *options, f"--bind=127.0.0.1:{port}", "--no-control-socket"),
                    "tests.bench.peers.wsgi",
                ],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        )
        stack.callback(process.terminate)
        try:
            processes = _settled(process.pid)
            yield Subject(
                name=name,
                port=port,
                workers=processes,
                database=database,
                clients=clients_of(APIS[name](), port),
            )
        except Exception:
            print((directory / "server.log").read_text()[-3000:], file=sys.stderr)
            raise


def lock_of(name: str) -> Path:
    """The lock of a peer."""
    return ROOT / "tests" / "bench" / "peers" / f"{name.replace('-', '_')}.txt"


def environment_of(name: str) -> Path:
    """The environment of a peer, installed from its lock."""
    lock = lock_of(name)
    home = ROOT / ".bench" / name
    stamp = home / "lock.txt"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        print(f"Installing {name} into {home.relative_to(ROOT)}", file=sys.stderr)
        venv.create(home, clear=True, with_pip=True)
        pip = [home / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
        lock_only = ["--no-deps", "--require-hashes", "-r", lock]
        subprocess.run([*pip, *lock_only], env={**os.environ, "PIP_USER": "0"}, check=True)
        stamp.write_bytes(lock.read_bytes())
    return home


def _settled(master: int) -> list[int]:
    """The workers of a server, once all wait for connections, which needs an epoll."""
    for _ in range(600):
        found = workers(master)
        if len(found) == WORKERS and all("anon_inode:[eventpoll]" in open_files(process) for process in found):
            return found
        time.sleep(0.1)
    raise RuntimeError("The server does not start.")

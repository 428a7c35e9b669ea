"""A deployment of our own on loopback: PostgreSQL, PgBouncer, Redis, instances of the service, and a proxy with TLS.

Each part is a real server in a directory of its own, and can be stopped, killed, filled and brought back. The tests of
faults and `deploy/rehearse` share it.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from accounts.conf import DEFAULTS
from tests.api import Answer
from tests.live import environment_of_service, free_port

ROOT = Path(__file__).resolve().parents[2]
AS_PROXY = {"Host": "localhost", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
PATIENCE = 60
"""Seconds that a part may take to start or to end."""
GENEROUS = ",".join(f"{line}={1_000 if line.endswith('account_address') else 1_000_000}/1m" for line in DEFAULTS)
"""RATE_LIMITS that count each attempt and refuse none: all clients of a rig have one address."""


class Missing(Exception):
    """A program that is not installed, or a right that this user does not have."""


def program(*names: str) -> str:
    """The path of the first of the programs that is installed. Raises Missing."""
    beside_postgresql = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    path = os.pathsep.join([*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", *beside_postgresql])
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        raise Missing(f"{names[0]} is not installed")
    return found


@contextmanager
def workplace() -> Iterator[Path]:
    """A directory until the block ends, which the user `postgres` may enter too."""
    with tempfile.TemporaryDirectory(prefix="latchkey-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


def until(what: str, happens: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    """Wait until something is true, and return it. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := happens():
            return result
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds} s")


def listens(port: int) -> bool:
    """Whether somebody accepts connections at the port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass
class Server:
    """A process in the foreground, with its log."""

    name: str
    directory: Path
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.directory / f"{self.name}.log"

    def launch(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def await_port(self, port: int) -> None:
        """Wait until it accepts connections. Raises RuntimeError with its log if it ends before."""

        def answers() -> bool:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} has ended: {self.log.read_text(errors='replace')[-2000:]}")
            return listens(port)

        until(f"{self.name} listens", answers)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.process is not None:
            self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, and wait until it has ended."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)
            self.process = None


def as_postgres(*command: str | Path) -> list[str]:
    """The command as a user that PostgreSQL runs as: it refuses to run as root."""
    words = [str(word) for word in command]
    return ["runuser", "-u", "postgres", "--", *words] if os.geteuid() == 0 else words


@dataclass
class Postgres:
    """A PostgreSQL cluster."""

    directory: Path
    port: int
    database: str = "latchkey"

    @classmethod
    def create(cls, directory: Path) -> "Postgres":
        """A new cluster with an empty database."""
        directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres")
        cluster = cls(directory, free_port())
        cluster._run(
            "initdb",
            "--pgdata",
            directory / "data",
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
        )
        cluster.start()
        cluster.execute(f"CREATE DATABASE {cls.database}", database="postgres")
        return cluster

    @property
    def url(self) -> str:
        """For DATABASE_URL."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{self.database}"

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        options = f"-p {self.port} -k {self.directory} -c listen_addresses=127.0.0.1 -c max_wal_size=64MB"
        self._control("start", "--log", self.directory / "postgres.log", "--options", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` cuts all connections, `immediate` is a crash."""
        self._control("stop", "--mode", mode)

    def restart(self, mode: str = "fast") -> None:
        """Stop and start."""
        self.stop(mode)
        self.start()

    def runs(self) -> bool:
        """Whether the server process lives."""
        command = as_postgres(program("pg_ctl"), "status", "--pgdata", self.directory / "data")
        return subprocess.run(command, cwd="/", capture_output=True, check=False).returncode == 0

    def execute(self, statement: str, *parameters: Any, database: str = "") -> list[Any]:
        """The rows of a statement of the superuser's."""
        url = f"postgres://postgres@127.0.0.1:{self.port}/{database or self.database}"
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def cut_connections(self) -> None:
        """End all connections to the database but this one, as an operator or a firewall would."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            self.database,
        )

    def _control(self, *arguments: str | Path) -> None:
        self._run("pg_ctl", "--pgdata", self.directory / "data", "--wait", "--silent", *arguments)

    def _run(self, name: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            as_postgres(program(name), *arguments),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name} {' '.join(map(str, arguments))}: {done.stderr[-2000:]}")


@contextmanager
def postgres(directory: Path) -> Iterator[Postgres]:
    """A cluster until the block ends."""
    cluster = Postgres.create(directory)
    try:
        yield cluster
    finally:
        if cluster.runs():
            cluster.stop("immediate")


@contextmanager
def small_disk(directory: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system of its own that is soon full. Raises Missing without the right to mount."""
    directory.mkdir(parents=True, exist_ok=True)
    command = [program("mount"), "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"a small file system cannot be mounted: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run([program("umount"), "--lazy", str(directory)], check=False)


@contextmanager
def full_disk(directory: Path) -> Iterator[None]:
    """No space is left on the file system of the directory within the block."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size >>= 1
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def pgbouncer(directory: Path, cluster: Postgres, *, pool_size: int = 8) -> Iterator[tuple[Server, str]]:
    """PgBouncer in transaction mode before the cluster, and its URL, with what the documents say of DATABASE_URL."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        f"""[databases]
{cluster.database} = host=127.0.0.1 port={cluster.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
server_login_retry = 1
query_wait_timeout = 20
"""
    )
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")
    server = Server("pgbouncer", directory, as_postgres(program("pgbouncer"), configuration))
    server.launch()
    try:
        server.await_port(port)
        yield server, f"postgres://postgres@127.0.0.1:{port}/{cluster.database}?disable_server_side_cursors=true"
    finally:
        server.end(signal.SIGTERM)


@dataclass
class Redis(Server):
    """A Redis that keeps nothing on disk."""

    port: int = field(default_factory=free_port)
    password: str = ""

    @property
    def url(self) -> str:
        """For CACHE_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> None:
        """Start it, and wait until it accepts connections."""
        command = [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        if self.password:
            command += ["--requirepass", self.password, "--masterauth", self.password]
        self.command = [*command, "--dir", str(self.directory), *options]
        self.launch()
        self.await_port(self.port)


@contextmanager
def redis(directory: Path, *options: str, password: str = "") -> Iterator[Redis]:
    """A Redis until the block ends."""
    directory.mkdir(parents=True, exist_ok=True)
    server = Redis("redis", directory, password=password)
    server.start(*options)
    try:
        yield server
    finally:
        server.end(signal.SIGKILL)


@contextmanager
def sentinel(directory: Path, primary: Redis) -> Iterator[str]:
    """A Sentinel that watches a Redis and its replicas, and fails over by itself. What CACHE_URL says of it."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration, port = directory / "sentinel.conf", free_port()
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\nrequirepass {SENTINEL_PASSWORD}\n"
        f"sentinel monitor watched 127.0.0.1 {primary.port} 1\n"
        f"sentinel auth-pass watched {primary.password}\n"
        "sentinel down-after-milliseconds watched 1000\nsentinel failover-timeout watched 3000\n"
    )
    server = Server("sentinel", directory, [program("redis-server"), str(configuration), "--sentinel"])
    server.launch()
    try:
        server.await_port(port)
        # The first one never answers.
        yield (
            f"redis+sentinel://:{primary.password}@127.0.0.1:1,127.0.0.1:{port}/watched/0"
            f"?sentinel_password={SENTINEL_PASSWORD}"
        )
    finally:
        server.end(signal.SIGKILL)


SENTINEL_PASSWORD = "of-sentinels"


def production(*, database: str, cache: str, **more: str) -> dict[str, str]:
    """The environment of an instance behind one proxy, in production."""
    return environment_of_service(
        **{
            "LATCHKEY_ENV": "production",
            "DOTENV": "",
            "ALLOWED_HOSTS": "localhost",
            "DATABASE_URL": database,
            "CACHE_URL": cache,
            "WORKERS": "2",
            "TRUSTED_PROXIES": "1",
            "BEHIND_TLS_PROXY": "true",
            "MAIL_WORKER": "false",
            "RATE_LIMITS": GENEROUS,
            "HASHING_SLOTS": "32",
            "LOG_LEVEL": "WARNING",
            **more,
        }
    )


AHEAD = """
import datetime, time_machine
from gunicorn.app.wsgiapp import run
now = datetime.datetime.now(datetime.timezone.utc)
time_machine.travel(now + datetime.timedelta(seconds={seconds}), tick=True).start()
run()
"""
"""gunicorn with another clock. Not libfaketime: with it, waiting threads of Python's never wake."""


@dataclass
class Instance(Server):
    """gunicorn with the service, as production starts it."""

    port: int = field(default_factory=free_port)
    clock: int = 0
    """Seconds by which its clock is ahead."""

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        gunicorn = ["-c", AHEAD.format(seconds=self.clock)] if self.clock else ["-m", "gunicorn"]
        self.command = [sys.executable, *gunicorn, "--config", "python:project.gunicorn", "project.wsgi"]
        self.environment["PORT"] = str(self.port)
        self.launch()
        self.await_port(self.port)
        until(f"{self.name} is ready", self.ready)

    def ready(self) -> bool:
        """Whether it says so."""
        return probe(self.port, "/readyz") == http.HTTPStatus.OK

    def workers(self) -> list[int]:
        """The ids of its worker processes."""
        if self.process is None:
            return []
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children]

    def kill_all(self) -> None:
        """As if its machine lost power: kill -9 of master and workers at once."""
        workers = self.workers()
        self.send(signal.SIGSTOP)  # so that it starts no other worker
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        self.end(signal.SIGKILL)


def ask(instance: Instance, query: str, *, token: str = "", **variables: Any) -> Answer:
    """The answer of an instance to an operation, as its proxy asks."""
    body = json.dumps({"query": query, "variables": variables})
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    status, answered, raw = fetch(instance, "POST", "/graphql", body, headers)
    return Answer(status, json.loads(raw), answered)


def fetch(
    instance: Instance, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, bytes]:
    """Status, headers and body of an instance's answer to any request."""
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=30)
    try:
        connection.request(method, path, body, {**AS_PROXY, **(headers or {})})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def probe(port: int, path: str) -> int:
    """The status that a path on loopback answers; 0 if nobody does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def migrate(environment: dict[str, str]) -> None:
    """Create the tables and the default client."""
    for arguments in (["migrate", "--verbosity=0"], ["ensure_client", "--verbosity=0"]):
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)


@contextmanager
def instances(
    directory: Path, environment: dict[str, str], *, number: int = 1, clocks: tuple[int, ...] = ()
) -> Iterator[list[Instance]]:
    """Ready instances of the service until the block ends."""
    directory.mkdir(parents=True, exist_ok=True)
    offsets = [*clocks, *[0] * number][:number]
    started = [
        Instance(f"instance-{position}", directory, environment=dict(environment), clock=clock)
        for position, clock in enumerate(offsets, 1)
    ]
    try:
        for instance in started:
            instance.start()
        yield started
    finally:
        for instance in started:
            with suppress(ProcessLookupError):
                instance.send(signal.SIGKILL) if instance.process is None else instance.kill_all()


# Proxies -----------------------------------------------------------------------------------------------------------

NGINX = """
daemon off;
pid {directory}/nginx.pid;
worker_processes 1;
events {{}}
http {{
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/latchkey.conf;
}}
"""
"""What a distribution's nginx.conf has around ours."""
CADDY_OPTIONS = """
	admin 127.0.0.1:{admin}
	auto_https disable_redirects
	skip_install_trust
"""


@dataclass
class Proxy(Server):
    """A proxy with TLS on loopback before instances."""

    port: int = field(default_factory=free_port)
    authority: Path = Path()
    """The certificate that its own is signed with."""

    def start(self, upstreams: list[int]) -> None:
        """Start it, and wait until it accepts connections."""
        raise NotImplementedError

    def reload(self) -> None:
        """Let it read its configuration again."""
        raise NotImplementedError

    def trust(self) -> ssl.SSLContext:
        """What a client must know to trust it."""
        until(f"{self.name} has a certificate", self.authority.exists)
        return ssl.create_default_context(cafile=str(self.authority))


@dataclass
class Caddy(Proxy):
    """Caddy, with a certificate of its internal authority."""

    admin: int = field(default_factory=free_port)

    def start(self, upstreams: list[int]) -> None:
        """As Proxy."""
        home = self.directory / "caddy"
        self.environment |= {"XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home), "HOME": str(home)}
        self.authority = home / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        self.environment |= {
            "DOMAIN": f"localhost:{self.port}",
            "UPSTREAMS": " ".join(f"127.0.0.1:{port}" for port in upstreams),
            "CADDY_GLOBAL_OPTIONS": CADDY_OPTIONS.format(admin=self.admin),
        }
        caddy = program("caddy")
        self.command = [caddy, "run", "--config", str(ROOT / "deploy" / "Caddyfile"), "--adapter", "caddyfile"]
        self.launch()
        self.await_port(self.port)

    def reload(self) -> None:
        """As Proxy."""
        command = [self.command[0], "reload", *self.command[2:], "--force", "--address", f"127.0.0.1:{self.admin}"]
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=PATIENCE)


@dataclass
class Nginx(Proxy):
    """nginx, with a certificate that is made here."""

    def start(self, upstreams: list[int]) -> None:
        """As Proxy."""
        self.authority, key = self.directory / "certificate.pem", self.directory / "key.pem"
        request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(key), "-out", str(self.authority)]
        command = [program("openssl"), *request, *names, *files]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        ours = (ROOT / "deploy" / "nginx.conf").read_text()
        servers = "".join(f"    server 127.0.0.1:{port} max_fails=0;\n" for port in upstreams)
        for pattern, replacement in {
            r"(?m)^(    server 127\.0\.0\.1:.*\n)+": servers,
            r"(?m)^server \{\n    listen 80;[^}]*\}(?:[^}]*\})+?\n\}\n": "",
            r"listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            r"(?m)^ *listen \[::\].*\n": "",
            r"accounts\.example\.org;": "localhost;",
            r"/etc/letsencrypt/\S*fullchain\.pem": str(self.authority),
            r"/etc/letsencrypt/\S*privkey\.pem": str(key),
            r"/var/log/nginx": str(self.directory),
        }.items():
            ours, count = re.subn(pattern, replacement, ours)
            if not count:
                raise RuntimeError(f"deploy/nginx.conf has no {pattern}")
        (self.directory / "latchkey.conf").write_text(ours)
        file = self.directory / "nginx.conf"
        file.write_text(NGINX.format(directory=self.directory))
        self.command = [program("nginx"), "-c", str(file), "-e", str(self.directory / "nginx.log")]
        self.launch()
        self.await_port(self.port)

    def reload(self) -> None:
        """As Proxy."""
        self.send(signal.SIGHUP)


PROXIES: dict[str, type[Proxy]] = {"caddy": Caddy, "nginx": Nginx}


@contextmanager
def proxy(directory: Path, kind: str, upstreams: list[int]) -> Iterator[Proxy]:
    """A proxy until the block ends."""
    directory.mkdir(parents=True, exist_ok=True)
    server = PROXIES[kind](kind, directory)
    server.start(upstreams)
    try:
        yield server
    finally:
        server.end()


# All of it ---------------------------------------------------------------------------------------------------------


@dataclass
class Deployment:
    """Two instances behind a proxy, with their database and cache."""

    database: Postgres
    bouncer: Server | None
    cache: Redis
    instances: list[Instance]
    proxy: Proxy


@contextmanager
def deployment(
    directory: Path, *, kind: str = "caddy", bouncer: bool = False, disk: int = 0, clock: int = 0, **environment: str
) -> Iterator[Deployment]:
    """All parts until the block ends.

    `disk` is the size of the database's file system in megabytes, `clock` the
    seconds by which that of the first instance is ahead.
    """
    with ExitStack() as stack:
        home = directory / "database"
        if disk:
            stack.enter_context(small_disk(home, megabytes=disk))
        database = stack.enter_context(postgres(home))
        url, pooler = database.url, None
        migrate(production(database=url, cache="locmemcache://", **{**environment, "WORKERS": "1"}))
        if bouncer:
            pooler, url = stack.enter_context(pgbouncer(directory / "pgbouncer", database))
        cache = stack.enter_context(redis(directory / "cache"))
        started = stack.enter_context(
            instances(
                directory / "instances",
                production(database=url, cache=cache.url, **environment),
                number=2,
                clocks=(clock,),
            )
        )
        front = stack.enter_context(proxy(directory / "proxy", kind, [instance.port for instance in started]))
        yield Deployment(database, pooler, cache, started, front)

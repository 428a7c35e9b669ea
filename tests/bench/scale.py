"""Whether operations take as long in a large database as in a small one: `python -m tests.bench.scale`.

Fills a PostgreSQL database of DATABASE_URL's server for each size, and asks one server for each, the sizes in turn:
median milliseconds as the client sees them, and CPU milliseconds of the worker and of PostgreSQL (if it runs on this
machine) for each request. The hash of passwords is a cheap one, so that the rest of a sign-in can be seen. Then, in the
largest: the plan of each statement, and a clean-up while others refresh.

Prints Markdown for docs/performance.md, and writes all plans to the file of `--plans`. Exits with 1 if a statement
reads a big table from one end to the other, or reads many rows in vain. BENCH_TOKENS has the sizes, if `--tokens` has
not. The role has to be a superuser, for speed.
"""

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.api import PASSWORD
from tests.bench import filling
from tests.bench.filling import Size
from tests.bench.storm import Connection
from tests.live import ROOT, UNLIMITED, Live, serving

PAGE = 50
DEEP = 1000
"""The number of the deep page."""
ROUNDS = 5
REQUESTS = 40
RATE = 20
"""Refreshes a second beside a clean-up: far from what the service can do."""
ME = "{ me { id email username } }"
USERS = """
query ($after: String) {
  users(first: 50, after: $after) { nodes { id username firstName dateJoined } pageInfo { hasNextPage endCursor } }
}
"""
REFRESH = """
mutation ($token: String!) {
  refreshToken(input: {refreshToken: $token}) { tokens { accessToken refreshToken } errors { code } }
}
"""
SIGN_IN = """
mutation ($email: String!, $password: String!) {
  tokenAuth(input: {email: $email, password: $password}) { tokens { accessToken } errors { code } }
}
"""
HASH = f"from django.contrib.auth.hashers import make_password; print(make_password({PASSWORD!r}))"


def half(size: Size) -> int:
    """The number of sessions that `me` asks for; as many others are refreshed."""
    return size.sessions // 2


@dataclass
class Filled:
    """A server over a database of some size."""

    live: Live
    size: Size
    database: psycopg.Connection[tuple[Any, ...]]
    deep: str = ""
    """The cursor of the deep page."""
    tokens: dict[int, str] = field(default_factory=dict)
    """The newest refresh token of each session that was refreshed."""

    def __post_init__(self) -> None:
        self.connection = Connection(self.live.url)

    def ask(self, query: str, token: str = "", **variables: Any) -> Any:
        """The data of the answer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.connection.post(json.dumps({"query": query, "variables": variables}), **headers)

    def me(self) -> None:
        """Of some session."""
        assert self.ask(ME, filling.access_token(1 + secrets.randbelow(half(self.size))))["me"]

    def refresh(self) -> None:
        """Some session, of the half that `me` leaves alone."""
        self.refresh_over(self.connection, half(self.size) + 1 + secrets.randbelow(half(self.size)))

    def refresh_over(self, connection: Connection, session: int) -> None:
        """This session, over this connection."""
        token = self.tokens.get(session) or filling.refresh_token(session)
        body = json.dumps({"query": REFRESH, "variables": {"token": token}})
        payload = connection.post(body)["refreshToken"]
        assert not payload["errors"], payload
        self.tokens[session] = payload["tokens"]["refreshToken"]

    def sign_in(self) -> None:
        """Some account."""
        email = filling.email(1 + secrets.randbelow(self.size.accounts))
        assert self.ask(SIGN_IN, email=email, password=PASSWORD)["tokenAuth"]["tokens"]

    def first_page(self) -> None:
        """Of all people."""
        assert len(self.ask(USERS)["users"]["nodes"]) == PAGE

    def deep_page(self) -> None:
        """The thousandth, or the last full one of fewer."""
        assert len(self.ask(USERS, after=self.deep)["users"]["nodes"]) == PAGE

    def cpu(self) -> tuple[float, float]:
        """Seconds of the worker and of PostgreSQL's processes for it, which is nothing if they are elsewhere."""
        backends = self.database.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        return _seconds(_children(self.live.pid)), _seconds([pid for (pid,) in backends])


OPERATIONS: dict[str, Callable[[Filled], None]] = {
    "`me`": Filled.me,
    "refresh": Filled.refresh,
    "sign-in": Filled.sign_in,
    "`users`, page 1": Filled.first_page,
    f"`users`, page {DEEP}": Filled.deep_page,
}


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found


def _seconds(processes: list[int]) -> float:
    """User and system time of these processes, by the kernel's accounts in nanoseconds."""
    total = 0
    for process in processes:
        for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except OSError:
                continue
    return total / 1e9


@contextmanager
def filled(directory: Path, size: Size) -> Iterator[Filled]:
    """A server over a new database of this size."""
    directory.mkdir()
    cheap = {"ARGON2_MEMORY_COST": "8", "ARGON2_TIME_COST": "1"}
    with (
        serving(directory, WORKERS="1", THREADS="2", **cheap, **UNLIMITED) as live,
        psycopg.connect(live.environment["DATABASE_URL"], autocommit=True) as database,
    ):
        server = Filled(live, size, database)
        password = live.manage("shell", "--no-imports", "-c", HASH).split()[-1]
        # The cursor of the first page leads deep into the list once many more people have joined.
        newer = min((DEEP - 2) * PAGE, size.accounts - 2 * PAGE)
        older = size.accounts - newer
        begun = time.monotonic()
        with filling.fast(database):
            filling.fill_accounts(database, range(1, older + 1), password=password)
            server.deep = server.ask(USERS)["users"]["pageInfo"]["endCursor"]
            filling.fill_accounts(database, range(older + 1, size.accounts + 1), password=password)
            filling.fill_tokens(database, size)
        print(f"{size}: filled in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        yield server


@dataclass
class Spent:
    """What requests took."""

    times: list[float] = field(default_factory=list)
    """Milliseconds of each request."""
    worker: list[float] = field(default_factory=list)
    """CPU milliseconds a request, of each round."""
    database: list[float] = field(default_factory=list)
    """Likewise of PostgreSQL."""

    def medians(self) -> tuple[float, float, float]:
        """Of all three."""
        return statistics.median(self.times), statistics.median(self.worker), statistics.median(self.database)

    def cpu(self) -> float:
        """Of both processes together."""
        return sum(self.medians()[1:])


def measure(server: Filled, operation: Callable[[Filled], None], spent: Spent) -> None:
    """One round, over a connection of its own: the server ends one that was idle while a database was filled."""
    server.connection = Connection(server.live.url)
    before = server.cpu()
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        operation(server)
        spent.times.append((time.perf_counter() - begun) * 1000)
    after = server.cpu()
    for values, one, other in zip((spent.worker, spent.database), before, after, strict=True):
        values.append((other - one) / REQUESTS * 1000)


def compare(servers: list[Filled]) -> None:
    """Print a table of all operations and sizes, and how many times the smallest each takes."""
    spent = {name: [Spent() for _ in servers] for name in OPERATIONS}
    for number in range(ROUNDS + 1):
        for name, operation in OPERATIONS.items():
            for server, values in zip(servers, spent[name], strict=True):
                # The first round warms up.
                measure(server, operation, values if number else Spent())
    print("| | " + " | ".join(str(server.size) for server in servers) + " |")
    print("|---|" + "---|" * len(servers))
    for name, values in spent.items():
        cells = [" / ".join(f"{number:.2f}" for number in value.medians()) for value in values]
        for place, value in enumerate(values[1:], 1):
            cells[place] += f" (**{value.cpu() / values[0].cpu():.2f} ×**)"
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\nMedian ms / CPU ms of the worker / CPU ms of PostgreSQL; bold: both, in times the smallest.")
    print(f"{ROUNDS} × {REQUESTS} requests, the sizes in turn.\n")


def plans(server: Filled, file: Path) -> bool:
    """Print what is wrong with the plan of a statement, and write all plans to the file; whether nothing is."""
    session = server.size.sessions // 4 + 1
    queries = {
        "me": ({"query": ME}, filling.access_token(session)),
        "refresh": ({"query": REFRESH, "variables": {"token": filling.refresh_token(session)}}, ""),
        "sign-in": (
            {"query": SIGN_IN, "variables": {"email": filling.email(server.size.accounts // 2), "password": PASSWORD}},
            "",
        ),
        "users, page 1": ({"query": USERS}, ""),
        f"users, page {DEEP}": ({"query": USERS, "variables": {"after": server.deep}}, ""),
    }
    code = f"from tests.bench import plans; plans.main({json.dumps(queries)!r})"
    found = json.loads(server.live.manage("shell", "--no-imports", "-c", code).splitlines()[-1])
    with filling.fast(server.database):
        filling.fill_expired(server.database, 20_000, size=server.size, number=server.size.sessions + 1)
    code = "from tests.bench import plans; plans.clean_up()"
    found |= json.loads(server.live.manage("shell", "--no-imports", "-c", code).splitlines()[-1])
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as output:
        output.write(f"# The plan of each statement, at {server.size}\n")
        for name, statements in found.items():
            output.write(f"\n## {name}: {len(statements)} statements\n")
            for sql, plan, wrong in statements:
                output.write(f"\n{'**' + ', '.join(wrong) + '**' if wrong else 'As it should be'}\n")
                output.write(f"\n```sql\n{sql}\n```\n\n```text\n{plan}\n```\n")
    for name, statements in found.items():
        wrong = [(sql, faults) for sql, _plan, faults in statements if faults]
        print(f"- {name}: {len(statements)} statements, {len(wrong) or 'none'} with a plan that does not scale")
        for sql, faults in wrong:
            print(f"  - **{', '.join(faults)}**: `{sql[:300]}`")
    print()
    return not any(wrong for statements in found.values() for _sql, _plan, wrong in statements)


def refreshing(server: Filled, until: Callable[[], bool], offset: int) -> list[float]:
    """Milliseconds of each of RATE refreshes a second, over two connections, until then."""
    times: list[float] = []
    known = half(server.size)

    def run(number: int) -> None:
        connection = Connection(server.live.url)
        due = time.monotonic() + number / RATE
        session = number
        while not until():
            time.sleep(max(0.0, due - time.monotonic()))
            begun = time.perf_counter()
            server.refresh_over(connection, known + 1 + (offset + session) % known)
            times.append((time.perf_counter() - begun) * 1000)
            due, session = due + 2 / RATE, session + 2

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def after(seconds: float) -> Callable[[], bool]:
    """Whether so many seconds have passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def clean(server: Filled, expired: int) -> None:
    """Print how long a clean-up takes, and refreshes before it, during it, and after it."""
    with filling.fast(server.database):
        filling.fill_expired(server.database, expired, size=server.size, number=server.size.sessions + 10_000)
    before = refreshing(server, after(20), 0)
    begun = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "manage.py", "clear_expired"],
        cwd=ROOT,
        env=server.live.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        during = refreshing(server, lambda: process.poll() is not None, len(before))
        printed = "".join(process.communicate())
    seconds = time.monotonic() - begun
    assert process.returncode == 0, printed
    following = refreshing(server, after(20), len(before) + len(during))
    print(f"Clean-up of {expired:,} tokens and {expired // 10:,} sessions beside {server.size}: {seconds:.0f} s.")
    print(f"Refreshes, {RATE} a second:\n\n| | p50 ms | p99 ms | requests |\n|---|---|---|---|")
    for name, times in {"before": before, "during": during, "after": following}.items():
        percentiles = statistics.quantiles(times, n=100, method="inclusive")
        print(f"| {name} | {percentiles[49]:.1f} | {percentiles[98]:.1f} | {len(times)} |")
    print()


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    sizes_by_default = [int(size) for size in os.environ.get("BENCH_TOKENS", "1000 100000 1000000").split()]
    parser.add_argument("--tokens", type=int, nargs="+", default=sizes_by_default)
    parser.add_argument("--accounts", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--expired", type=int, default=1_000_000, help="tokens to clean up; 0 leaves that out")
    parser.add_argument("--plans", type=Path, default=ROOT / "tests" / "bench" / "plans.md")
    arguments = parser.parse_args()
    sizes = [Size(*numbers) for numbers in zip(arguments.tokens, arguments.accounts, strict=True)]
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        servers = [stack.enter_context(filled(Path(directory) / str(size.tokens), size)) for size in sizes]
        compare(servers)
        scales = plans(servers[-1], arguments.plans)
        if arguments.expired:
            clean(servers[-1], arguments.expired)
    if not scales:
        sys.exit(1)


if __name__ == "__main__":
    main()

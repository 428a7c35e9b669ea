"""This service, three peers and bare Django views side by side: `python -m tests.bench.side_by_side`.

For each operation, rounds in which each subject is asked in turn, in random order, by a few kept connections; then
the medians of the rounds. On PostgreSQL, if DATABASE_URL names it, and on SQLite. BENCH_SECONDS is the time of a
round, BENCH_ROUNDS their number. Prints Markdown; `python -m tests.bench` puts it into docs/performance.md, with the
picture. The machine should have nothing else to do.
"""

import contextlib
import importlib.metadata
import os
import platform
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.bench import report
from tests.bench.load import Sample, sample
from tests.bench.subjects import (
    CONNECTIONS,
    HASHING,
    OPERATIONS,
    OURS,
    PEERS,
    THREADS,
    WORKERS,
    Subject,
    latchkey_and_bare_views,
    lock_of,
    peer,
)
from tests.live import ROOT

SECONDS = float(os.environ.get("BENCH_SECONDS", "1.5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
WARM_UP = min(0.5, SECONDS)
PICTURE = ROOT / "docs" / "images" / "performance.svg"


@contextlib.contextmanager
def subjects() -> Iterator[list[Subject]]:
    """All servers."""
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(latchkey_and_bare_views())
        peers = [stack.enter_context(peer(name)) for name in PEERS]
        yield [*own[:-1], *peers, own[-1]]


def measured(database: str) -> report.Results:
    """The medians of all operations of all subjects."""
    operations: dict[str, dict[str, Sample]] = {}
    with subjects() as servers:
        for operation in OPERATIONS:
            asked = [server for server in servers if operation in server.clients]
            for server in asked:
                _sample(server, operation, WARM_UP)
            samples: dict[str, list[Sample]] = {server.name: [] for server in asked}
            for _ in range(ROUNDS):
                for server in random.sample(asked, len(asked)):
                    samples[server.name].append(_sample(server, operation, SECONDS))
            operations[operation] = {name: report.median(several) for name, several in samples.items()}
            print(f"{database}, {operation}: {_told(operations[operation])}", file=sys.stderr, flush=True)
    return report.Results(database=database, operations=operations)


def _sample(server: Subject, operation: str, seconds: float) -> Sample:
    """One round of a server."""
    postgresql = server.database.startswith("postgres")
    # Its own backend is not counted.
    admin = psycopg.connect(server.database, autocommit=True) if postgresql else contextlib.nullcontext(None)
    with admin as database:
        return sample(
            server.port,
            server.workers,
            server.clients[operation],
            seconds,
            database=database,
            finished=server.finished,
        )


def _told(row: report.Row) -> str:
    return ", ".join(f"{name} {report.number(sample.cpu)}" for name, sample in row.items()) + " ms of CPU"


def databases() -> list[tuple[str, str]]:
    """The name with its version, and DATABASE_URL, of each kind to measure on."""
    found = [(f"SQLite {sqlite3.sqlite_version}", "")]
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("postgres"):
        with psycopg.connect(url) as connection:
            version = connection.execute("SHOW server_version").fetchone()
        assert version
        found.insert(0, (f"PostgreSQL {version[0].split()[0]}", url))
    return found


def versions() -> dict[str, str]:
    """The releases of the peers."""
    return {name: _locked(name, name) for name in PEERS}


def _locked(peer_name: str, package: str) -> str:
    """The version of a package in the lock of a peer."""
    found = re.search(rf"^{re.escape(package)}(?:\[\w+\])?==(\S+)", lock_of(peer_name).read_text(), re.MULTILINE)
    assert found
    return found[1]


def told_machine() -> str:
    """The machine, the versions and what was asked."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    assert model
    assert memory
    git = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    ours = [f"{package} {importlib.metadata.version(package)}" for package in ("Django", "gunicorn", "psycopg")]
    others = sorted({_locked(name, "django") for name in PEERS})
    cost = f"m={HASHING.argon2_memory_cost}, t={HASHING.argon2_time_cost}, p={HASHING.argon2_parallelism}"
    return f"""\
- Machine: {os.cpu_count()} cores of {model[1]}, {int(memory[1]) / 2**20:.0f} GiB of memory. Clients, servers and database share it.
- {OURS} at {commit or "an unknown commit"}, on Python {platform.python_version()}, {", ".join(ours)}. Peers on Django {", ".join(others)}.
- Each server: gunicorn with {WORKERS} gthread workers of {THREADS} threads. Argon2id with {cost} for all.
- {CONNECTIONS} kept connections, {CONNECTIONS // WORKERS} to each worker. Medians of {ROUNDS} rounds of {SECONDS:g} s for each subject, in random order.
- Command: `DATABASE_URL=postgres://… CACHE_URL=redis://… make bench PART=peers`"""  # noqa: E501


def main() -> None:
    """Print Markdown, and write the picture of the first database."""
    # Before the picture changes the tree, and so the name of the commit.
    machine = told_machine()
    results = []
    for name, url in databases():
        os.environ["DATABASE_URL"] = url
        results.append(measured(name))
    PICTURE.write_text(report.svg(results[0]))
    print(machine)
    print()
    print("![CPU of the server for each operation](images/performance.svg)")
    print()
    print(report.markdown(results, versions=versions()))


if __name__ == "__main__":
    main()

"""Time from start to the first answer, and the memory of a worker: at start, after sign-ins, after many requests.

`python -m tests.bench.start` prints Markdown. The database is the one that DATABASE_URL names; REQUESTS and STARTS
in the environment change the numbers.
"""

import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.api import PASSWORD, REGISTER, TOKEN_AUTH
from tests.live import ROOT, UNLIMITED, environment_of_service, free_port, fresh_database

STARTS = int(os.environ.get("STARTS", "5"))
REQUESTS = int(os.environ.get("REQUESTS", "50000"))
SIGN_INS = 400
CLIENTS = 8
WORKERS = 2
ADA = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
WAYS = {
    "`make run`": ["-m", "project.serve"],
    "gunicorn": ["-m", "gunicorn", "--config", "python:project.gunicorn", "project.wsgi"],
}


def post(port: int, query: str, variables: object = None, token: str = "") -> dict[str, object]:
    """The body of the answer to an operation. Raises URLError while nobody listens."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    body = json.dumps({"query": query, "variables": variables}).encode()
    with urlopen(Request(f"http://127.0.0.1:{port}/graphql", body, headers), timeout=60) as response:
        found: dict[str, object] = json.load(response)
    return found


@contextlib.contextmanager
def started(way: list[str], environment: dict[str, str]) -> Iterator[tuple[int, int, float]]:
    """A server until the block ends: its process, its port, and the seconds until its first answer."""
    port = free_port()
    begin = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", *way],
        cwd=ROOT,
        env={**environment, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            with contextlib.suppress(URLError):
                post(port, "{ users(first: 1) { nodes { id } } }")
                break
            time.sleep(0.01)
        yield process.pid, port, time.monotonic() - begin
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def cpu_seconds(master: int) -> float:
    """CPU time of a server and of the processes that it has forked."""
    ticks = 0
    for pid in (master, *workers_of(master)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def workers_of(master: int) -> list[int]:
    """The processes that a server has forked."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [int(pid) for pid in children.split()]


def memory(pid: int) -> tuple[float, float]:
    """MiB of a process: resident, and with shared pages divided among those that share them."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return int(lines["Rss"].split()[0]) / 1024, int(lines["Pss"].split()[0]) / 1024


def repeated(port: int, count: int, body: str, token: str) -> None:
    """So many times the same operation, by CLIENTS clients that keep their connections."""

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        for _ in range(count // CLIENTS):
            connection.request("POST", "/graphql", body, headers)
            response = connection.getresponse()
            response.read()
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Print two tables."""
    with tempfile.TemporaryDirectory() as directory, fresh_database(Path(directory), migrated=True) as database:
        environment = environment_of_service(
            DATABASE_URL=database,
            CACHE_URL=os.environ.get("CACHE_URL", f"filecache://{directory}/cache"),
            WORKERS=str(WORKERS),
            MAIL_WORKER="false",
            **{**UNLIMITED, "HASHING_SLOTS": "2"},
        )
        print(
            f"| Started by | Seconds to the first answer, median of {STARTS} (least) | Of these, CPU |\n|---|---|---|"
        )
        for name, way in WAYS.items():
            seconds, cpu = [], []
            for _ in range(STARTS):
                with started(way, environment) as (pid, _port, taken):
                    seconds.append(taken)
                    cpu.append(cpu_seconds(pid))
            median = statistics.median(seconds)
            print(f"| {name} | {median:.1f} ({min(seconds):.1f}) | {statistics.median(cpu):.1f} |", flush=True)
        print(f"\n| A worker of {WORKERS} | Resident, MiB | Its share of all, MiB |\n|---|---|---|")
        with started(WAYS["gunicorn"], environment) as (pid, port, _):
            registered = post(port, REGISTER, {"input": ADA})
            token = registered["data"]["register"]["tokens"]["accessToken"]  # type: ignore[index]
            sign_in = json.dumps(
                {"query": TOKEN_AUTH, "variables": {"input": {"email": ADA["email"], "password": PASSWORD}}}
            )
            me = json.dumps({"query": "{ me { id email username } }"})
            stages: dict[str, Callable[[], None]] = {
                "at start": lambda: None,
                f"after {SIGN_INS} sign-ins": lambda: repeated(port, SIGN_INS, sign_in, ""),
                f"after {REQUESTS:,} × `me`": lambda: repeated(port, REQUESTS, me, token),
            }
            for stage, act in stages.items():
                act()
                found = [memory(worker) for worker in workers_of(pid)]
                resident, share = (max(column) for column in zip(*found, strict=True))
                print(f"| {stage} | {resident:.0f} | {share:.0f} |", flush=True)


if __name__ == "__main__":
    main()

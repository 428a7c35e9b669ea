"""`deploy/rehearse`: everything that can go wrong goes wrong, one after the other, while clients use the service."""

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults import rig
from tests.faults.load import OK, Record, load

PAGE = rig.ROOT / "docs" / "operations.md"
CLIENTS = 6
BEFORE = 2.0
"""Seconds of load before the first fault."""
AWAY = 5.0
"""Seconds for which a part stays away."""
SETTLING = 3.0
"""Seconds of load after a fault. In them each client uses and refreshes its session."""
LONGEST = 30.0
"""Seconds within which something must be right again."""
NOTICED = 3.0
"""Seconds after which a proxy sends requests to an instance again: thrice the interval of its checks."""
UNAVAILABLE = {"502", "503", "504"}
"""How a failed call may be answered, by the service or the proxy."""

Deployment = rig.Deployment


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and its end."""

    name: str
    what: str
    happens: Callable[[Deployment], float | None]
    """Returns the seconds for which the part was away."""
    needs: str = ""
    """The kind of deployment, if not the usual one: a key of DEPLOYMENTS."""
    planned: bool = False
    """Whether no call may fail."""


@dataclass(frozen=True)
class Row:
    """What the clients saw of a fault."""

    fault: Fault
    record: Record
    away: float
    ended: float
    """When the fault was over."""

    def cells(self) -> list[str]:
        """The row of the table."""
        failed = ", ".join(f"{count} × {kind}" for kind, count in self.record.kinds().most_common()) or "0"
        gap = f"{self.record.longest_gap():.1f}"
        away = f"{self.away:.1f}" if self.away else ""
        return [self.fault.what, str(len(self.record.calls)), failed, str(len(self.record.lost)), away, gap]

    def is_right_again(self) -> bool:
        """Whether a call that began after the fault had a good answer."""
        return any(call.outcome == OK and call.began > self.ended for call in self.record.calls)

    def verdicts(self) -> Iterator[str]:
        """What must not be."""
        kinds = self.record.kinds()
        if self.record.lost:
            yield f"{self.fault.what}: sessions were lost: {', '.join(self.record.lost)}"
        if self.fault.planned and kinds:
            yield f"{self.fault.what}: calls failed"
        if unfit := sorted(kind for kind in kinds if kind.isdigit() and kind not in UNAVAILABLE):
            yield f"{self.fault.what}: failures were answered with {', '.join(unfit)}"
        if not self.is_right_again():
            yield f"{self.fault.what}: nothing was right again"
        if self.record.without_retry_after():
            yield f"{self.fault.what}: an answer 503 does not say when to try again"


def rolling_restart(deployment: Deployment) -> None:
    """Each instance drains, stops and starts; the next one follows once the proxy uses it again."""
    for instance in deployment.instances:
        instance.end()
        instance.start()
        time.sleep(NOTICED)


def worker_killed(deployment: Deployment) -> None:
    """Gunicorn's master starts another one."""
    os.kill(deployment.instances[0].workers()[0], signal.SIGKILL)
    time.sleep(NOTICED)


def master_killed(deployment: Deployment) -> None:
    """Its workers free the port and end, and a supervisor starts it again."""
    deployment.instances[0].end(signal.SIGKILL)
    deployment.instances[0].start()
    time.sleep(NOTICED)


def instance_gone(deployment: Deployment) -> None:
    """As if its machine lost power. It comes back for the next fault."""
    deployment.instances[0].kill_all()
    time.sleep(AWAY)
    deployment.instances[0].start()
    time.sleep(NOTICED)


def away(stop: Callable[[], None], start: Callable[[], None], seconds: float = 0.0) -> float:
    """Stop a part, and start it again after some seconds. Returns how long it was away."""
    began = time.monotonic()
    stop()
    time.sleep(seconds)
    start()
    return time.monotonic() - began


def postgres_restarted(deployment: Deployment) -> float:
    """As after a change of its configuration."""
    return away(deployment.database.stop, deployment.database.start)


def postgres_crashed(deployment: Deployment) -> float:
    """It recovers from its log."""
    return away(lambda: deployment.database.stop("immediate"), deployment.database.start)


def postgres_away(deployment: Deployment) -> float:
    """Stopped for a while."""
    return away(deployment.database.stop, deployment.database.start, AWAY)


def redis_restarted(deployment: Deployment) -> float:
    """It comes back empty, without the scripts that it knew."""
    return away(deployment.cache.end, deployment.cache.start)


def redis_away(deployment: Deployment) -> float:
    """Killed, and started again after a while."""
    return away(lambda: deployment.cache.end(signal.SIGKILL), deployment.cache.start, AWAY)


def disk_full(deployment: Deployment) -> float:
    """If its log cannot grow either, PostgreSQL stops, and somebody has to start it when there is space again."""
    began = time.monotonic()
    with rig.full_disk(deployment.database.directory):
        time.sleep(AWAY)
    if not deployment.database.runs():
        deployment.database.start()
    return time.monotonic() - began


def bouncer_restarted(deployment: Deployment) -> float:
    """It drops its clients and the connections to the database."""
    bouncer = deployment.bouncer
    return away(bouncer.end, bouncer.launch) if bouncer else 0.0


FAULTS = [
    Fault("nothing", "nothing, for comparison", lambda _: time.sleep(AWAY), planned=True),
    Fault("rolling", "rolling restart of both instances", rolling_restart, planned=True),
    Fault("proxy", "configuration of the proxy reloaded", lambda deployment: deployment.proxy.reload()),
    Fault("worker", "`kill -9` of a worker", worker_killed),
    Fault("master", "`kill -9` of a master, started again", master_killed),
    Fault("instance", "an instance gone for 5 s, as if its machine lost power", instance_gone),
    Fault("postgres", "PostgreSQL restarted", postgres_restarted),
    Fault("crash", "PostgreSQL crashed and recovered", postgres_crashed),
    Fault("cut", "PostgreSQL's connections cut", lambda deployment: deployment.database.cut_connections()),
    Fault("away", "PostgreSQL away for 5 s", postgres_away),
    Fault("redis", "Redis restarted, empty", redis_restarted),
    Fault("redis-away", "Redis away for 5 s", redis_away),
    Fault("disk", "PostgreSQL's disk full for 5 s", disk_full, needs="disk"),
    Fault("clock", "the clock of one instance 90 s ahead", lambda _: time.sleep(AWAY), needs="clock"),
    Fault("bouncer", "PgBouncer in transaction mode, without a fault", lambda _: time.sleep(AWAY), needs="bouncer"),
    Fault("bouncer-restart", "PgBouncer restarted", bouncer_restarted, needs="bouncer"),
    Fault(
        "bouncer-crash",
        "PostgreSQL behind PgBouncer crashed and recovered",
        postgres_crashed,
        needs="bouncer",
    ),
]
"""In the order of the table."""
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "": {},
    "disk": {"disk": 256},
    "clock": {"clock": 90},
    "bouncer": {"bouncer": True},
}
HEADER = ["What was done", "Calls", "Failed calls", "Sessions lost", "Part away, s", "Longest gap, s"]


def rehearse(kind: str, only: list[str]) -> Iterator[Row]:
    """The faults on as few deployments as they need."""
    for needs, options in DEPLOYMENTS.items():
        faults = [fault for fault in FAULTS if fault.needs == needs and (not only or fault.name in only)]
        if not faults:
            continue
        with (
            rig.workplace() as directory,
            rig.deployment(directory, kind=kind, **options) as deployment,
            load(deployment.proxy.port, deployment.proxy.trust(), clients=CLIENTS) as taken,
        ):
            time.sleep(BEFORE)
            for fault in faults:
                taken()
                away = fault.happens(deployment)
                ended = time.monotonic()
                time.sleep(SETTLING)
                row = Row(fault, taken(), away or 0.0, ended)
                while not row.is_right_again() and time.monotonic() < ended + LONGEST:
                    time.sleep(1)
                    row.record.add(taken())
                yield row


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [HEADER, ["---", "--:", "---", "--:", "--:", "--:"], *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(kind: str, rows: list[Row]) -> None:
    """Replace the table of this proxy in the page."""
    marks = rf"(<!-- rehearsed: {kind} -->\n).*?(<!-- end -->)"
    text, count = re.subn(marks, lambda found: f"{found[1]}{table(rows)}{found[2]}", PAGE.read_text(), flags=re.DOTALL)
    if not count:
        raise SystemExit(f"{PAGE.name} has no place for the table of {kind}.")
    PAGE.write_text(text)


def main() -> int:
    """Rehearse, print the table, and return 1 if something happened that must not."""
    parser = argparse.ArgumentParser(prog="deploy/rehearse", description=__doc__)
    parser.add_argument("--proxy", choices=sorted(rig.PROXIES), default="caddy", help="the proxy in front")
    parser.add_argument(
        "--only", action="append", default=[], choices=[fault.name for fault in FAULTS], metavar="FAULT"
    )
    parser.add_argument("--write", action="store_true", help="replace the table in docs/operations.md")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("deploy/rehearse: ended"))  # so that the servers end too
    rows = []
    try:
        for row in rehearse(arguments.proxy, arguments.only):
            rows.append(row)
            print(" | ".join(row.cells()), flush=True)
    except rig.Missing as lack:
        print(f"deploy/rehearse: {lack}", file=sys.stderr)
        return 2
    print(f"\n{table(rows)}")
    if arguments.write:
        write(arguments.proxy, rows)
    resent = sum(len(row.record.sent_again) for row in rows)
    if resent:
        print(f"{resent} calls met a kept connection that the proxy had closed, and were sent again on a new one.")
    wrong = [verdict for row in rows for verdict in row.verdicts()]
    for verdict in wrong:
        print(f"WRONG: {verdict}", file=sys.stderr)
    return 1 if wrong else 0

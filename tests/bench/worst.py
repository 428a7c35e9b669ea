"""The most expensive anonymous requests we know, in multiples of `me`: `python -m tests.bench.worst [part of a name]`.

CPU seconds of the worker, one gunicorn (S80). tests/http/test_cost.py holds the same texts to a bound.
"""

import http.client
import json
import sys
import tempfile
from pathlib import Path

from tests.api import PASSWORD, REGISTER
from tests.bench.me import cpu_seconds
from tests.http.worst import WORST, Worst
from tests.live import Live, serving

ME = json.dumps({"query": "{ me { id email username } }"}).encode()


def spent(live: Live, worst: Worst, times: int, *, first: int = 0) -> tuple[int, float]:
    """The status of the answer, and CPU seconds for each request; no document is sent twice, so that none is known."""
    before = cpu_seconds(live.pid)
    for number in range(first, first + times):
        connection = http.client.HTTPConnection(live.url.removeprefix("http://"), timeout=120)
        connection.putrequest(worst.method, worst.path, skip_host="Host" in dict(worst.headers))
        for name, value in worst.headers:
            connection.putheader(name, value)
        body = worst.body.replace(b'{"query": "', b'{"query": "' + b"," * number, 1)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        response.read()
        connection.close()
    return response.status, (cpu_seconds(live.pid) - before) / times


def main() -> None:
    """Print a table, most expensive first."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory), WORKERS="1", THREADS="1", ARGON2_MEMORY_COST="8", ARGON2_TIME_COST="1") as live,
    ):
        token = ""
        for number in range(120):
            fields = {
                "email": f"a{number}@example.com",
                "username": f"a{number}",
                "firstName": "Ada",
                "password": PASSWORD,
            }
            token = live.post(REGISTER, input=fields)[1]["data"]["register"]["tokens"]["accessToken"]
        known = Worst(
            "me", b" " + ME, headers=(("Content-Type", "application/json"), ("Authorization", f"Bearer {token}"))
        )
        unit = min(spent(live, known, 100)[1] for _ in range(15))
        print(f"me: {unit * 1e6:.0f} µs")
        rows = []
        for worst in WORST:
            if wanted in worst.name:
                try:
                    tries = [spent(live, worst, 4, first=4 * number) for number in range(3)]
                    status, seconds = min(tries, key=lambda one: one[1])
                except (OSError, http.client.HTTPException) as error:
                    status, seconds = type(error).__name__, 0
                rows.append((seconds, status, worst.name))
                print(f"{seconds * 1e3:9.1f} ms {seconds / unit:7.0f} × me  {status}  {worst.name}", flush=True)
        print()
        for seconds, status, name in sorted(rows, key=lambda row: -row[0]):
            print(f"{seconds * 1e3:9.1f} ms {seconds / unit:7.0f} × me  {status}  {name}")


if __name__ == "__main__":
    main()

"""`me` against a bare Django view doing the same look-up behind the same middleware, one gunicorn, one run.

CPU seconds of the worker for each request, the two interleaved: `python -m tests.bench.me`. The database is the one
that DATABASE_URL names (PostgreSQL for claims). Needs nothing but the test environment.
"""

import http.client
import json
import statistics
import tempfile
import time
from pathlib import Path

from tests.api import PASSWORD, REGISTER
from tests.bench import load
from tests.live import serving

REQUESTS = 1500
ROUNDS = 7


def cpu_seconds(children_of: int) -> float:
    """User and system time of the worker processes."""
    return sum(load.cpu_seconds(load.workers(children_of)).values())


def main() -> None:
    """Print microseconds of CPU a request, and their ratio."""
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory), DJANGO_SETTINGS_MODULE="tests.bench.settings", WORKERS="1", THREADS="1") as live,
    ):
        fields = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
        token = live.post(REGISTER, input=fields)[1]["data"]["register"]["tokens"]["accessToken"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        query = json.dumps({"query": "{ me { id email username } }"})
        kinds = {
            "bare view": ("GET", "/bare", None),
            "bare view with our look-up": ("GET", "/bare-fast", None),
            "me": ("POST", "/graphql", query),
        }
        spent: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind, (method, path, body) in kinds.items():
                connection = http.client.HTTPConnection(live.url.removeprefix("http://"))
                before = cpu_seconds(live.pid)
                for _ in range(REQUESTS):
                    connection.request(method, path, body, headers)
                    response = connection.getresponse()
                    assert response.status == 200, response.read()
                    response.read()
                spent[kind].append((cpu_seconds(live.pid) - before) / REQUESTS * 1e6)
                connection.close()
                time.sleep(0.05)
        medians = {kind: statistics.median(values) for kind, values in spent.items()}
        for kind, value in medians.items():
            ratio = medians["me"] / value
            print(f"{kind:28} {value:6.0f} µs CPU a request (median of {ROUNDS} × {REQUESTS}); me is {ratio:.2f} × it")


if __name__ == "__main__":
    main()

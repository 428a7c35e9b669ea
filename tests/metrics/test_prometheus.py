"""Prometheus itself, with our example of its configuration."""

import json
import subprocess
import time
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests.live import ROOT, free_port, serving
from tests.metrics.scraping import OPENED, TOKEN
from tests.tools import ASKS_NO_DATABASE, program

pytestmark = ASKS_NO_DATABASE

SECONDS = 60
"""After which the test gives up; Prometheus scrapes each second."""


def test_prometheus_scrapes_the_service_and_takes_the_rules(tmp_path):
    """Only the addresses, the interval and the place of the token are others."""
    prometheus, port = program("prometheus"), free_port()
    with serving(tmp_path, **OPENED) as live:
        live.post("{ __typename }")
        (tmp_path / "token").write_text(TOKEN)
        (tmp_path / "alerts.yml").write_bytes((ROOT / "deploy/prometheus/alerts.yml").read_bytes())
        example = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
        for there, here in {
            '["10.0.0.11:8000", "10.0.0.12:8000"]': json.dumps([live.url.removeprefix("http://")]),
            "/etc/prometheus/latchkey-token": str(tmp_path / "token"),
            "_interval: 15s": "_interval: 1s",
        }.items():
            assert there in example
            example = example.replace(there, here)
        (tmp_path / "prometheus.yml").write_text(example)
        command = [
            prometheus,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (tmp_path / "prometheus.log").open("w") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                requests = _first(port, 'latchkey_graphql_requests_total{operation="introspection",outcome="ok"}')
                up, rules = _first(port, 'up{job="latchkey"}'), _asked(port, "rules")
            finally:
                process.terminate()

    assert (requests, up) == ("1", "1")
    assert len(rules["groups"][0]["rules"]) == 10


def _first(port, expression):
    """The value of the first series, once there is one."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            if found := _asked(port, f"query?query={quote(expression)}")["result"]:
                return found[0]["value"][1]
        except OSError:
            pass
        time.sleep(0.2)
    return pytest.fail(f"Prometheus has no {expression}")


def _asked(port, what):
    with urlopen(f"http://127.0.0.1:{port}/api/v1/{what}", timeout=10) as response:
        return json.load(response)["data"]

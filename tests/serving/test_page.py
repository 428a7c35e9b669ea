"""docs/serving.md says what is."""

import re

from project import gunicorn, variables, worker
from project.environment import declared
from project.health import PATHS, Health
from project.incoming import LARGEST_HEAD
from project.outgoing import MOST, PATIENCE
from tests.documents import ROOT, blocks

PAGE = ROOT / "docs/serving.md"
TEXT = PAGE.read_text()
YAML = "".join(block.text for block in blocks(PAGE) if block.language == "yaml")
DELAY = declared(variables.Service)["shutdown_delay"].default


def test_the_probes_ask_for_what_is_there():
    """In both examples, and the liveness probe does not ask for the database."""
    assert {*re.findall(r"/\w+z\b", YAML)} == {*PATHS}
    assert "/readyz" not in YAML.partition("livenessProbe")[2].partition("readinessProbe")[0]


def test_the_probes_wait_longer_than_the_checks():
    """Else a probe ends without a result, and the log does not say which check is slow."""
    limits = [check._limit for check in Health(lambda *_: [])._checks]

    assert all(int(seconds) > max(limits) for seconds in re.findall(r"timeout(?:Seconds)?[:=] ?(\d+)", YAML))


def test_the_grace_periods_are_longer_than_a_stop():
    """SIGKILL would end requests that are served."""
    longest = DELAY + gunicorn.graceful_timeout + gunicorn.LONGEST_GOODBYE
    (kubernetes,) = re.findall(r"terminationGracePeriodSeconds: (\d+)", YAML)
    (compose,) = re.findall(r"stop_grace_period: (\d+)s", YAML)

    assert int(kubernetes) > longest
    assert int(compose) > longest


def test_readiness_is_noticed_within_the_delay():
    """Kubernetes' probe, at its slowest."""
    period, failures = re.findall(r"/readyz.*?periodSeconds: (\d+).*?failureThreshold: (\d+)", YAML, re.DOTALL)[0]

    assert int(period) * int(failures) < DELAY


def test_the_limits_are_those_of_the_code():
    """In the table of slow clients."""
    assert f"| {worker.REQUEST_TIME} seconds | 408 |" in TEXT
    assert f"| {LARGEST_HEAD // 1024} KiB on the wire" in TEXT
    assert f"| {worker.RESPONSE_TIME} seconds, and one more for each {worker.SLOWEST // 1024} KiB |" in TEXT
    assert f"| {MOST // 1024} KiB; files are sent from the disk | closed after {PATIENCE} seconds |" in TEXT
    assert f"| {gunicorn.keepalive} seconds | closed |" in TEXT
    assert f"| {worker.MOST_MEMORY // 2**20} MiB |" in TEXT

"""docs/serving.md says what is, and the files of deploy.md do what it says."""

from typing import Any

import pytest
import yaml

from project import gunicorn, probe, variables, worker
from project.environment import declared
from project.health import ALIVE, READY, Health
from project.incoming import LARGEST_HEAD
from project.outgoing import MOST, PATIENCE
from tests.documents import ROOT

TEXT = (ROOT / "docs/serving.md").read_text()
DELAY = declared(variables.Service)["shutdown_delay"].default
LONGEST_STOP = DELAY + gunicorn.graceful_timeout + gunicorn.LONGEST_GOODBYE
LONGEST_CHECK = max(check._limit for check in Health(lambda *_: [])._checks)


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    """That of Kubernetes' Deployment."""
    items = yaml.safe_load_all((ROOT / "deploy/kubernetes/latchkey.yaml").read_text())
    (found,) = (item["spec"]["template"]["spec"] for item in items if item["kind"] == "Deployment")
    return found


@pytest.fixture(scope="module")
def web() -> dict[str, Any]:
    """An instance of compose."""
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["web1"]


def test_the_probes_ask_for_what_is_there(pod, web):
    """And the liveness probe does not ask for the database."""
    (container,) = pod["containers"]

    asked = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert asked == {"startup": ALIVE, "liveness": ALIVE, "readiness": READY}
    assert web["healthcheck"]["test"][-1] == READY


def test_the_probes_wait_longer_than_the_checks(pod, web):
    """Else a probe ends without a result, and the log does not say which check is slow."""
    (container,) = pod["containers"]

    assert container["readinessProbe"]["timeoutSeconds"] > LONGEST_CHECK
    assert LONGEST_CHECK < probe.TIMEOUT < int(web["healthcheck"]["timeout"].removesuffix("s"))


def test_the_grace_periods_are_longer_than_a_stop(pod, web):
    """SIGKILL would end requests that are served."""
    unit = (ROOT / "deploy/systemd/latchkey@.service").read_text()

    assert pod["terminationGracePeriodSeconds"] == 40 > LONGEST_STOP
    assert web["stop_grace_period"] == "40s"
    assert "\nTimeoutStopSec=40\n" in unit and "\nKillMode=mixed\n" in unit


def test_readiness_is_noticed_within_the_delay(pod):
    """Kubernetes' probe, at its slowest."""
    ready = pod["containers"][0]["readinessProbe"]

    assert ready["periodSeconds"] * ready["failureThreshold"] < DELAY


def test_the_limits_are_those_of_the_code():
    """In the table of slow clients."""
    assert f"| {worker.REQUEST_TIME} seconds | 408 |" in TEXT
    assert f"| {LARGEST_HEAD // 1024} KiB on the wire" in TEXT
    assert f"| {worker.RESPONSE_TIME} seconds, and one more for each {worker.SLOWEST // 1024} KiB |" in TEXT
    assert f"| {MOST // 1024} KiB; files are sent from the disk | closed after {PATIENCE} seconds |" in TEXT
    assert f"| {gunicorn.keepalive} seconds | closed |" in TEXT
    assert f"| {worker.MOST_MEMORY // 2**20} MiB |" in TEXT

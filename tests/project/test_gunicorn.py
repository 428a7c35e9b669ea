"""gunicorn as `make run` and production start it: real processes, signals and connections."""

import os
import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from project import gunicorn
from tests.live import serving
from tests.tools import await_that

ROOT = Path(__file__).resolve().parents[2]


def test_a_killed_service_starts_again_at_once(tmp_path):
    """Its workers hold connections, and let go of the port; no request goes to one of them any more."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with serving(first, WORKERS="2") as killed:
        address = killed.url.removeprefix("http://")
        host, _, port = address.partition(":")
        kept_alive = HTTPConnection(address)
        kept_alive.request("GET", "/schema.graphql")
        kept_alive.getresponse().read()
        with socket.create_connection((host, int(port))):
            os.kill(killed.pid, signal.SIGKILL)
            # Otherwise gunicorn gives up after five tries.
            with serving(second, PORT=port) as anew:
                answers = [anew.post("{ __typename }") for _ in range(20)]
        kept_alive.close()

    assert answers == [(200, {"data": {"__typename": "Query"}})] * 20


@pytest.mark.parametrize(
    "start",
    [
        ["-c", "import project.gunicorn"],
        ["-c", "import project.wsgi"],
        ["-m", "gunicorn", "--check-config", "--config", "python:project.gunicorn", "project.wsgi"],
        ["manage.py", "check"],
    ],
    ids=" ".join,
)
def test_every_way_to_start_finds_the_settings(start, tmp_path):
    """Trap 52: whatever is imported first, and nothing in the environment says where they are."""
    unset = {"DJANGO_SETTINGS_MODULE", "PYTHONWARNINGS", "CACHE_URL"}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in unset},
        "LATCHKEY_ENV": "development",
        "SECRET_KEY": "no-key-but-letters-of-which-there-are-enough",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}",
    }
    done = subprocess.run(
        [sys.executable, *start], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_a_stop_waits_for_a_provider_and_not_for_docker_to_kill():
    """A sign-in that asks a provider ends; ten seconds after SIGTERM comes SIGKILL."""
    assert settings.LATCHKEY.provider_timeout < gunicorn.graceful_timeout < 10


def test_the_banner_names_what_is_served(tmp_path):
    """Where a developer goes first: each address answers, unless the banner says what is not built."""
    with serving(tmp_path) as live:
        # The port is open before the banner is printed.
        await_that(lambda: "A first mutation" in live.log.read_text())
        banner = re.findall(r"^  ([A-Z][\w ]+?) {2,}(http://\S+)(.*)$", live.log.read_text(), re.MULTILINE)
        assert [name for name, *_ in banner] == ["Front end", "GraphiQL", "Schema", "Admin", "Mails"]
        for name, address, remark in banner:
            connection = HTTPConnection(live.url.removeprefix("http://"))
            connection.request("GET", urlsplit(address).path, headers={"Accept": "text/html"})
            status = connection.getresponse().status
            connection.close()
            assert status in ({200, 404} if "not built" in remark else {200, 302}), name

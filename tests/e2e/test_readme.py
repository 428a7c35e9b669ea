"""The commands of the README and the other documents, run as they stand."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.api import ME, PASSWORD
from tests.documents import DOCUMENTS, ROOT, Block, blocks
from tests.live import free_port, fresh_database, serving
from tests.providers.server import Server
from tests.tools import program

README = ROOT / "README.md"


OF_A_DEPLOYMENT = {"backup"}
"""Pages whose commands tests/container/test_deploy_page.py runs, where the service is deployed."""


def commands(document: Path) -> list[Block]:
    """The blocks for a shell that are not marked."""
    if document.stem in OF_A_DEPLOYMENT:
        return []
    return [block for block in blocks(document) if block.language == "sh" and not block.reason]


def test_the_journey_runs_as_it_stands_in_the_readme(tmp_path, provider_server: Server):
    """Only the port is another: every step succeeds, the provider's too (a local one stands in for Google)."""
    program("curl")
    (journey,) = [block.text for block in commands(README) if "GOOGLE_ACCESS_TOKEN" in block.text]
    providers = provider_server.providers
    with serving(tmp_path, **providers.environment) as live:
        script = journey.replace("http://localhost:8000", live.url)
        environment = {**live.environment, "GOOGLE_ACCESS_TOKEN": providers.google_token()}
        run = subprocess.run(["/bin/sh", "-euc", script], env=environment, capture_output=True, text=True, check=True)

    answers = [json.loads(line) for line in run.stdout.splitlines()]
    answered = [(name, value) for answer in answers for name, value in answer["data"].items()]
    assert [name for name, _ in answered] == [
        "register",
        "tokenAuth",
        "me",
        "refreshToken",
        "convertSocialToken",
        "users",
        "me",
        "changePassword",
        "revokeToken",
    ]
    assert all(not payload.get("errors") for _, payload in answered)
    payloads = dict(reversed(answered))
    assert payloads["me"]["email"] == "grace@example.com"
    assert payloads["convertSocialToken"]["isNewAccount"] is True
    assert [user["firstName"] for user in payloads["users"]["nodes"]] == ["Ada", "Grace"]
    later = dict(answered)["me"]
    assert len(later["sessions"]["nodes"]) == 2
    assert later["securityEvents"]["nodes"][-1]["message"] == "The account was created."


# What a document leaves to its reader, and what it takes for granted.
OURS = {
    "DATABASE_URL",
    "CACHE_URL",
    "EMAIL_URL",
    "LATCHKEY_ENV",
    "SECRET_KEY",
    "DJANGO_SETTINGS_MODULE",
    "PYTHONWARNINGS",
    "DOTENV",
}
SERVERS = re.compile(r"^(?=make run\b|\S+/gunicorn\b)", re.MULTILINE)
SERVE = """
set -eu
server=
stop() { if [ "$server" ]; then kill "$server"; wait "$server" || true; server=; fi; }
serve() {  # in the background, as in another terminal; returns when it answers
  stop
  "$@" > "$HOME/server.log" 2>&1 &
  server=$!
  until curl --silent --output /dev/null "http://127.0.0.1:$PORT/"; do
    kill -0 "$server" || { cat "$HOME/server.log"; exit 1; }
    sleep 0.5
  done
}
"""


@dataclass(frozen=True)
class Terminal:
    """A shell that remembers, in which a reader goes down a page."""

    shell: "subprocess.Popen[str]"
    home: Path

    def run(self, commands: str, name: str) -> str:
        """What the commands print. Fails at the first that fails."""
        script = self.home / "block.sh"
        script.write_text(SERVERS.sub("serve ", commands))
        assert self.shell.stdin
        assert self.shell.stdout
        self.shell.stdin.write(f". {script} < /dev/null\necho; echo 'that was it'\n")
        self.shell.stdin.flush()
        printed = ""
        for line in self.shell.stdout:
            if line == "that was it\n":
                return printed
            printed += line
        pytest.fail(f"{name} stops with:\n{printed}")


@contextmanager
def terminal(directory: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    """A new one. All that was started in it ends with it."""
    with subprocess.Popen(
        ["/bin/sh"],
        cwd=directory,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        clock = threading.Timer(1800, os.killpg, [shell.pid, signal.SIGKILL])
        clock.start()
        try:
            page = Terminal(shell, Path(environment["HOME"]))
            page.run(SERVE, "the terminal")
            yield page
            page.run("stop", "the server")
        finally:
            clock.cancel()
            os.killpg(shell.pid, signal.SIGKILL)


def fresh_clone(directory: Path) -> Path:
    """The tree without anything that git ignores."""
    tree = directory / "latchkey"
    listing = subprocess.run(
        [program("git"), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    return tree


def ask(port: str, query: str, **headers: str) -> tuple[int, Any]:
    """Through the proxy that terminates TLS."""
    connection = HTTPConnection("127.0.0.1", int(port))
    headers = {"Host": "accounts.example.org", "X-Forwarded-Proto": "https", **headers}
    connection.request(
        "POST", "/graphql", json.dumps({"query": query}), {"Content-Type": "application/json", **headers}
    )
    answer = connection.getresponse()
    body = json.load(answer)
    connection.close()
    return answer.status, body


def is_in_production(port: str, database: str) -> None:
    """The service that the block has set up answers: an account made there is in PostgreSQL."""
    name = "Grace Hopper of production"
    register = (
        f'mutation {{ register(input: {{email: "g@example.org", username: "g", firstName: "{name}",'
        f' password: "{PASSWORD}"}}) {{ tokens {{ accessToken }} errors {{ code }} }} }}'
    )
    status, body = ask(port, register)
    assert (status, body["data"]["register"]["errors"]) == (200, [])
    token = body["data"]["register"]["tokens"]["accessToken"]
    assert ask(port, ME, Authorization=f"Bearer {token}")[1]["data"]["me"]["email"] == "g@example.org"
    assert ask(port, "{ __schema { queryType { name } } }")[0] == 400
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT first_name FROM accounts_account").fetchall() == [(name,)]


def test_every_command_of_the_documents_runs(tmp_path):
    """In the order of each page, in a fresh clone and an empty HOME; "In production" on PostgreSQL and Redis."""
    cache = os.environ.get("CACHE_URL", "")
    if not (os.environ.get("DATABASE_URL", "").startswith("postgres") and cache.startswith("redis")):
        pytest.skip("the README's production block needs PostgreSQL and Redis: DATABASE_URL, CACHE_URL")
    program("curl")
    program("npm")
    home = tmp_path / "home"
    home.mkdir()
    tree, port = fresh_clone(tmp_path), str(free_port())
    environment = {
        # Not make's own either: what the make of this run was told wins over ARGS.
        **{
            name: value
            for name, value in os.environ.items()
            if name not in OURS and not name.startswith(("MAKE", "MFLAGS"))
        },
        "HOME": str(home),
        "PORT": port,
        # Not all tests once more.
        "ARGS": "tests/passwords/test_passwords.py",
        "COVERAGE": "",
    }
    with fresh_database(tmp_path) as database:
        stand_ins = {
            "http://localhost:8000": f"http://localhost:{port}",
            "postgres://latchkey:password@127.0.0.1:5432/latchkey": database,
            "postgres://postgres@127.0.0.1:5432/postgres": os.environ["DATABASE_URL"],
            "redis://127.0.0.1:6379/0": cache,
            "redis://127.0.0.1:6379/1": cache,
        }
        for document in DOCUMENTS:
            run = commands(document)
            if not run:
                continue
            directory = tree / document.relative_to(ROOT).parent
            with terminal(tree if directory.name == "docs" else directory, environment) as page:
                if directory.name == "docs":
                    page.run("make run", "make run")
                for block in run:
                    text = block.text
                    for written, stand_in in stand_ins.items():
                        text = text.replace(written, stand_in)
                    page.run(text, str(block))
                if document == README:
                    is_in_production(port, database)

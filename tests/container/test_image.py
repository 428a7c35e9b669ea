"""The image that the Containerfile makes, built and run by Podman: as nobody, on a read-only tree.

The base images are stand-ins (tests/container/debian.py). Everything else is as it would be in production.
"""

import contextlib
import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api import REGISTER
from tests.container.podman import AS_COMPOSE_DOES, Podman
from tests.live import ROOT, free_port, fresh_database
from tests.mails.servers import Mailbox, receiving
from tests.tools import ON_POSTGRESQL

pytestmark = pytest.mark.skipif(not ON_POSTGRESQL, reason="the image is for PostgreSQL, and built once: DATABASE_URL")

WALK = """
import json, os, stat
found = {}
for directory, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(directory, name) not in ("/proc", "/sys", "/dev")]
    for name in (*folders, *files):
        path = os.path.join(directory, name)
        status = os.lstat(path)
        if not stat.S_ISLNK(status.st_mode):
            found[path] = (status.st_uid, os.access(path, os.W_OK), os.access(path, os.R_OK))
print(json.dumps(found))
"""
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
STATUS = "import json; print(json.dumps(dict(line.split(':', 1) for line in open('/proc/1/status'))))"


@dataclass(frozen=True)
class Container:
    """One that serves."""

    podman: Podman
    name: str
    port: int
    environment: dict[str, str]
    mailbox: Mailbox

    def get(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, str]:
        """Status and text, as the proxy that terminates TLS asks."""
        behind = {"Host": "accounts.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body, {**behind, **headers})
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")

    def python(self, script: str) -> Any:
        """What a script prints that runs beside the service, which is JSON."""
        return json.loads(self.podman.run("exec", self.name, "python", "-c", script))


def options(environment: dict[str, str]) -> list[str]:
    """Of `podman run`."""
    return [*AS_COMPOSE_DOES, *(f"--env={name}={value}" for name, value in environment.items())]


@pytest.fixture(scope="module")
def tree(runtime: Podman, image: str) -> dict[str, tuple[int, bool, bool]]:
    """Every file and folder of the image: owner, and whether the image's user may write and read it.

    The tree is mounted writable here: the modes alone protect it.
    """
    writable = [option for option in AS_COMPOSE_DOES if not option.startswith(("--read-only", "--tmpfs"))]
    found: dict[str, tuple[int, bool, bool]] = json.loads(
        runtime.run("run", "--rm", *writable, image, "python", "-c", WALK)
    )
    return found


@pytest.fixture(scope="module")
def served(runtime: Podman, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A database made by the image's own commands, and a container that serves it."""
    name, port = f"latchkey-test-{os.getpid()}", free_port()
    with fresh_database(tmp_path_factory.mktemp("served")) as database, receiving() as mailbox:
        environment = {
            "SECRET_KEY": os.urandom(32).hex(),
            "DATABASE_URL": database,
            "CACHE_URL": os.environ.get("CACHE_URL", "locmemcache://"),
            "EMAIL_URL": mailbox.url,
            "ALLOWED_HOSTS": "accounts.example.org",
            "TRUSTED_PROXIES": "1",
            "BEHIND_TLS_PROXY": "true",
            "GRAPHIQL": "true",
            "PORT": str(port),
        }
        runtime.run("run", "--rm", *options(environment), image, *COMPOSE["services"]["migrate"]["command"])
        command = runtime.command("run", "--rm", f"--name={name}", *options(environment), image)
        log = tmp_path_factory.getbasetemp() / f"{name}.log"
        with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
            container = Container(runtime, name, port, environment, mailbox)
            try:
                _await_answer(container, process, log)
                yield container
            finally:
                runtime.run("kill", "--signal=KILL", name, check=False)


def _await_answer(container: Container, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            container.get("/")
            return
        time.sleep(0.2)
    raise RuntimeError(log.read_text())


def test_the_image_names_its_user_by_number_and_its_version(runtime, image):
    """Kubernetes cannot see that a name is not root."""
    configuration = runtime.inspect(image)["Config"]

    assert configuration["User"] == "10001:10001"
    labels = {name.rpartition(".")[2]: text for name, text in configuration["Labels"].items()}
    assert (labels["version"], labels["revision"]) == ("1.2.3", "0123abc")
    assert labels["source"] == "https://git.example.org/latchkey"
    assert configuration["Cmd"][0] == "gunicorn"


def test_the_tree_holds_the_service_and_nothing_else(tree):
    """S59: no .env, no database, no history, no test, no tool that only builds."""
    ours = {path.removeprefix("/app/") for path in tree if path.startswith("/app/")}

    assert {path for path in ours if "/" not in path} == {
        "LICENSE",
        "accounts",
        "frontend",
        "manage.py",
        "project",
        "pyproject.toml",
        "schema",
        "staticfiles",
    }
    assert {
        path for path in ours if re.search(r"(^|/)(tests?|node_modules|__generated__|\.[^/]+|.*\.sqlite3.*)(/|$)", path)
    } == set()
    assert "/app/frontend/dist/graphiql/index.html" in tree
    assert not [path for path in tree if re.search(r"/opt/venv/.*/site-packages/(pip|pytest|mypy)/", path)]


def test_nothing_in_the_tree_is_the_users(tree):
    """Were the container not read-only, its user could change nothing of what it runs."""
    assert {path for path in tree if path.startswith(("/app", "/opt")) and (tree[path][0] or tree[path][1])} == set()


def test_the_user_can_read_all_of_the_service(tree):
    """Whatever umask the tree was checked out with."""
    assert {path for path in tree if path.startswith(("/app", "/opt")) and not tree[path][2]} == set()


def test_all_code_is_compiled(tree):
    """A read-only tree cannot be compiled later, and each start would take seconds longer."""
    ours = [path for path in tree if path.startswith(("/app/accounts", "/app/project", "/app/schema"))]
    compiled = {
        re.sub(r"__pycache__/(.*)\.cpython-\d+\.pyc$", r"\1.py", path) for path in ours if path.endswith(".pyc")
    }
    sources = {path for path in ours if path.endswith(".py")}

    assert len(sources) > 200
    assert sources - compiled == set()


def test_the_container_runs_as_nobody(served):
    """S59: gunicorn is PID 1, and has no capability and no way to gain one."""
    status = {name: text.split() for name, text in served.python(STATUS).items()}

    assert status["Uid"] == ["10001"] * 4
    assert status["CapEff"] == status["CapBnd"] == ["0" * 16]
    assert status["NoNewPrivs"] == ["1"]
    command = served.python("import json; print(json.dumps(open('/proc/1/cmdline').read().split(chr(0))))")
    assert command[-4:-1] == ["--config", "python:project.gunicorn", "project.wsgi"]


def test_only_the_temporary_folder_can_be_written(served):
    """Its root is mounted read-only."""
    script = "open('/proc/mounts').read().splitlines()"
    mounts = {
        line.split()[1]: line.split()[3].split(",")
        for line in served.python(f"import json; print(json.dumps({script}))")
    }

    assert "ro" in mounts["/"]
    writable = {path for path, how in mounts.items() if "rw" in how and not path.startswith(("/proc", "/sys", "/dev"))}
    assert writable == {"/tmp"}  # noqa: S108 - the only one


def test_an_account_is_registered_and_its_mail_arrives(served):
    """Through PostgreSQL, the cache, and the worker in the server process."""
    person = {
        "email": "ada@example.org",
        "username": "ada",
        "firstName": "Ada",
        "password": "correct horse battery staple",
    }
    served.mailbox.received.clear()
    status, text = served.get(
        "/graphql",
        "POST",
        json.dumps({"query": REGISTER, "variables": {"input": person}}),
        **{"Content-Type": "application/json"},
    )

    assert (status, json.loads(text)["data"]["register"]["errors"]) == (200, [])
    assert served.mailbox.received.wait(30)
    assert served.mailbox.recipients[-1] == ["ada@example.org"]


@pytest.mark.parametrize(("page", "prefix"), [("/", "/static/app/"), ("/graphql", "/static/graphiql/")])
def test_the_pages_are_built_in(served, page, prefix):
    """And every file that they name."""
    status, html = served.get(page, Accept="text/html")

    files = re.findall(rf'(?:src|href)="({prefix}[^"]+)"', html)
    assert (status, len(files) >= 2) == (200, True)
    assert {served.get(file)[0] for file in files} == {200}


def test_the_administration_has_its_style(served):
    """Collectstatic has run, and has compressed it."""
    script = "import json, os; print(json.dumps(os.path.exists('/app/staticfiles/admin/css/base.css.gz')))"

    assert served.get("/static/admin/css/base.css")[0] == 200
    assert served.python(script) is True


def test_the_health_check_of_the_image_succeeds(served):
    """As the runtime would run it."""
    served.podman.run("healthcheck", "run", served.name)
    # As compose runs it.
    served.podman.run("exec", served.name, "python", "-m", "project.probe", "/readyz")


def test_the_probe_fails_where_nobody_listens(served):
    """Or it would prove nothing."""
    script = served.podman.command("exec", f"--env=PORT={free_port()}", served.name, "python", "-m", "project.probe")

    assert subprocess.run(script, capture_output=True, check=False).returncode == 1


def test_the_mail_worker_ends_at_sigterm(runtime, image, served):
    """`manage send_queued_mail --forever` as a process of its own; as PID 1, it is deaf until it listens."""
    name = f"{served.name}-mails"
    command = runtime.command("run", "--rm", f"--name={name}", *options(served.environment), image)
    with subprocess.Popen([*command, "manage", "send_queued_mail", "--forever"]) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            runtime.run("kill", "--signal=TERM", name, check=False)
            time.sleep(0.5)
        runtime.run("kill", "--signal=KILL", name, check=False)

    assert process.returncode == 0


@pytest.mark.parametrize(
    ("left_out", "named"), [("SECRET_KEY", "Set SECRET_KEY"), ("ALLOWED_HOSTS", "Set ALLOWED_HOSTS")]
)
def test_without_a_setting_it_names_the_variable(runtime, image, left_out, named):
    """S59: nothing of the build's throwaway key is left."""
    environment = {
        "SECRET_KEY": os.urandom(32).hex(),
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": "postgres://x@127.0.0.1/x",
    }
    del environment[left_out]
    command = runtime.command("run", "--rm", *options(environment), image)

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode != 0
    assert named in done.stderr


def test_sigterm_ends_the_service_in_time(runtime, image, served):
    """PID 1 hears it itself: the container is not killed after ten seconds, and exits with success."""
    name, port = f"{served.name}-term", free_port()
    environment = {**served.environment, "PORT": str(port), "SHUTDOWN_DELAY": "1"}
    command = runtime.command("run", "--rm", f"--name={name}", *options(environment), image)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while "Booting worker" not in process.stderr.readline():
            assert process.poll() is None
        runtime.run("kill", "--signal=TERM", name)
        said = process.stderr.read()

        assert process.wait(timeout=30) == 0
    assert "Shutting down: Master" in said

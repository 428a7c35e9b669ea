"""What tests borrow from elsewhere: Node, npm packages, Chromium, and tools with an environment of their own.

Where one is missing, its tests are skipped with the reason; with CI=true they fail.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "tests" / "node"
OLDEST_NODE = 20
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

ON_POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgres")
ASKS_NO_DATABASE = pytest.mark.skipif(ON_POSTGRESQL, reason="is the same on every database: the run on SQLite tests it")
"""For what takes long and runs our code, if at all, in processes of its own."""


def missing(reason: str) -> NoReturn:
    """Skip; fail in CI, where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def program(*names: str) -> str:
    """The path of the first of the programs that is installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or missing(f"{names[0]} is not installed")


def chromium() -> str:
    """The path of a Chromium."""
    return program(*BROWSERS)


def node(script: str, *arguments: str, timeout: float = 120) -> Any:
    """What a script of tests/node prints, which is JSON."""
    command: list[str | Path] = [_node(), NODE / script, *arguments]
    done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextlib.contextmanager
def node_process(script: str, *arguments: str) -> Iterator[Callable[[Any], Any]]:
    """A script of tests/node that answers each line of JSON with one."""
    command: list[str | Path] = [_node(), NODE / script, *arguments]
    with subprocess.Popen(command, cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def ask(question: Any) -> Any:
            stdin.write(f"{json.dumps(question)}\n")
            stdin.flush()
            return json.loads(stdout.readline() or "null")

        try:
            yield ask
        finally:
            stdin.close()


def esbuild(script: str, into: Path) -> None:
    """Bundle a script of tests/node for a page."""
    binary = NODE / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", "--format=esm", "--log-level=warning", f"--outfile={into}"]
    subprocess.run([_node(), binary, script, *options], cwd=NODE, check=True, timeout=60)


def environment_of(tool: str, folder: str = "tests/e2e") -> Path:
    """Where a Python tool is installed that cannot share our environment. Its lock is <tool>.txt in the folder."""
    return environment_with(ROOT / folder / f"{tool}.txt", ROOT / ".venv" / tool)


def environment_with(lock: Path, home: Path) -> Path:
    """Install exactly what a lock says into an environment of its own, unless it is there."""
    stamp = home / "stamp"
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            pip = [home / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            _install(
                [sys.executable, "-m", "venv", "--clear", home],
                [*pip, "--no-deps", "--require-hashes", "-r", lock],
            )
            shutil.copyfile(lock, stamp)
    return home


def _node() -> str:
    """The path of a recent Node, beside which the packages of tests/node are installed."""
    path, npm = program("node"), program("npm")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        missing(f"node is {version.strip()}, older than {OLDEST_NODE}")
    lock, stamp = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    with _alone(NODE):
        if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
            _install([npm, "ci"], cwd=NODE)
    return path


def _install(*commands: list[Any], cwd: Path = ROOT) -> None:
    environment = {**os.environ, "PIP_USER": "0"}
    for command in commands:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            missing(f"{' '.join(map(str, command))} failed: {done.stderr.strip()[-500:]}")


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Several test processes install once."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def await_that(condition: Callable[[], object], *, seconds: float = 15) -> None:
    """Wait until it holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "It does not come about."
        time.sleep(0.05)

"""This release and the previous one, as trees that run."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.live import ROOT, await_listening, environment_of_service, free_port
from tests.tools import environment_with, missing, program

LOCK = "requirements/runtime.txt"


def previous_commit() -> str:
    """The tag or commit of the previous release, as `.ci/previous-release` names it. Skips without it; fails in CI."""
    name = (ROOT / ".ci" / "previous-release").read_text().strip()
    if _git("cat-file", "-e", f"{name}^{{commit}}").returncode:
        missing(
            f"the previous release, {name}, is not in this clone: fetch its history and tags"
            " (git fetch --unshallow --tags)"
        )
    return name


def previous_file(path: str) -> str:
    """A file of the previous release."""
    return _git("show", f"{previous_commit()}:{path}", check=True).stdout.decode()


def previous_migrations() -> set[str]:
    """The names of its migrations."""
    listing = _git("ls-tree", "--name-only", previous_commit(), "accounts/migrations/", check=True).stdout.decode()
    return set(re.findall(r"/(\d{4}_\w+)\.py$", listing, re.MULTILINE))


def _git(*arguments: str, check: bool = False) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([program("git"), *arguments], cwd=ROOT, capture_output=True, check=check)


@dataclass(frozen=True)
class Release:
    """A tree, and the interpreter that has its packages."""

    tree: Path
    python: Path

    def manage(self, *arguments: str, environment: dict[str, str]) -> str:
        """What manage.py prints."""
        command = [self.python, "manage.py", *arguments]
        done = subprocess.run(command, cwd=self.tree, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def serving(self, log: Path, environment: dict[str, str]) -> Iterator[str]:
        """The URL of gunicorn as production starts it, which does not migrate."""
        port = str(free_port())
        command = [self.python, "-m", "gunicorn", "--config", "python:project.gunicorn", "project.wsgi:application"]
        with (
            log.open("w") as output,
            subprocess.Popen(
                command, cwd=self.tree, env={**environment, "PORT": port}, stdout=output, stderr=output
            ) as process,
        ):
            try:
                await_listening(process, log)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def this_release() -> Release:
    """The working tree."""
    return Release(ROOT, Path(sys.executable))


def previous_release(directory: Path) -> Release:
    """Unpack the previous one, with packages as its own lock has them."""
    tree = directory / "previous"
    archive = _git("archive", previous_commit(), check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(tree, filter="data")
    return Release(tree, _python_with(tree / LOCK))


def _python_with(lock: Path) -> Path:
    """Our own interpreter if our lock holds the same releases; else one that has exactly the other lock's."""
    if _pins(lock) <= _pins(ROOT / LOCK):
        return Path(sys.executable)
    return environment_with(lock, ROOT / ".venv" / "previous") / "bin" / "python"


def _pins(lock: Path) -> set[str]:
    return set(re.findall(r"^[A-Za-z0-9][^\s\\]*==[^\s\\]+", lock.read_text(), re.MULTILINE))


def copy_of_this_release(directory: Path) -> Release:
    """What git tracks of the working tree, to plant something in."""
    tree = directory / "planted"
    listing = _git("ls-files", "-z", check=True).stdout.decode()
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("frontend/", "tests/")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    return Release(tree, Path(sys.executable))


def environment_for(directory: Path, **environment: str) -> dict[str, str]:
    """Of every process of a test: one key, one outbox, cheap hashes."""
    return environment_of_service(
        DOTENV="",
        CACHE_URL=os.environ.get("CACHE_URL") or f"filecache://{directory / 'cache'}",
        EMAIL_URL=f"outbox://{directory / 'outbox'}",
        ARGON2_MEMORY_COST="8",
        ARGON2_TIME_COST="1",
        **environment,
    )

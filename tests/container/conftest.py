"""The image, built once for all tests of the session and again only after a change."""

import hashlib
import subprocess
from collections.abc import Iterator

import pytest

from tests.container.podman import Podman, build, podman
from tests.live import ROOT
from tests.tools import program


@pytest.fixture(scope="session")
def runtime() -> Iterator[Podman]:
    """Podman, with the tests' own storage."""
    with podman() as own:
        yield own


@pytest.fixture(scope="session")
def image(runtime: Podman) -> str:
    """The name of the image of this tree."""
    inputs = (
        "Containerfile",
        ".dockerignore",
        "manage.py",
        "pyproject.toml",
        "requirements",
        "project",
        "schema",
        "accounts",
        "frontend",
    )
    listing = subprocess.run(
        [program("git"), "ls-files", "--cached", "--others", "--exclude-standard", "-z", *inputs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    content = hashlib.sha256()
    for name in sorted(filter(None, listing.split("\0"))):
        if (ROOT / name).is_file():
            content.update(name.encode() + (ROOT / name).read_bytes())
    name = f"localhost/latchkey:{content.hexdigest()[:12]}"
    with runtime.alone():
        if name not in runtime.images():
            # Those of yesterday's trees.
            runtime.run("image", "prune", "--all", "--force", "--filter=until=24h")
            build(runtime, name, VERSION="1.2.3", REVISION="0123abc", SOURCE="https://git.example.org/latchkey")
    return name

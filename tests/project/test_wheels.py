"""A release can be installed without an index: docs/releases.md, "The locks"."""

import re
import subprocess
import sys

from tests.documents import blocks
from tests.live import ROOT
from tests.tools import ASKS_NO_DATABASE

pytestmark = ASKS_NO_DATABASE

SMALL_LOCK = "requirements/anymail.txt"
"""In place of all that the service needs."""


def test_kept_wheels_are_enough(tmp_path):
    """What `make wheels` downloads, the documented command installs; nothing else is asked."""
    recipe = re.search(r"^wheels:.*\n\t\$\(PIP\) (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    [install] = [
        command.partition("pip ")[2]
        for block in blocks(ROOT / "docs" / "releases.md")
        for command in block.text.splitlines()
        if "--no-index" in command
    ]
    assert recipe
    for command in (recipe[1], f"{install} --target {tmp_path / 'installed'}"):
        written = command.replace("dist/wheels", str(tmp_path / "wheels")).replace(
            "requirements/runtime.txt", SMALL_LOCK
        )
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--disable-pip-version-check", *written.split()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    assert (tmp_path / "installed" / "anymail").is_dir()

"""One place states the version."""

import re
import tomllib

from project.version import VERSION
from tests.live import ROOT


def test_the_version_is_that_of_pyproject():
    """Known at run time, although nothing is installed that has metadata."""
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert stated == VERSION
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)

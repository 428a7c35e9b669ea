"""The lists of a release's parts: `make sbom`."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from project.version import VERSION
from tests.live import ROOT
from tests.project.test_locks import locked
from tests.tools import ASKS_NO_DATABASE, program

pytestmark = ASKS_NO_DATABASE

PARTS = ["python", "frontend"]
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.from_version(sys.argv[1])).validate_str(sys.stdin.read()) or "") or None)
"""


def make_sbom() -> dict[str, str]:
    """The text of each document."""
    program("npm")
    subprocess.run([program("make"), "--silent", "sbom"], cwd=ROOT, check=True, timeout=600, stdout=subprocess.DEVNULL)
    return {part: (ROOT / "dist" / f"latchkey-{VERSION}-{part}.cdx.json").read_text() for part in PARTS}


@pytest.fixture(scope="module")
def documents() -> dict[str, str]:
    """Made once."""
    return make_sbom()


def components(text: str) -> list[dict[str, Any]]:
    """The parts of a document."""
    found: list[dict[str, Any]] = json.loads(text)["components"]
    return found


def fault(text: str) -> str:
    """What the validator of CycloneDX complains about."""
    python: Path = ROOT / ".venv" / "sbom" / "bin" / "python"
    command = [python, "-c", VALIDATE, json.loads(text)["specVersion"]]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("part", PARTS)
def test_it_is_valid(documents, part):
    """By CycloneDX's own schema."""
    assert fault(documents[part]) == ""


def test_what_is_not_valid_is_noticed(documents):
    """Otherwise the test above would say nothing."""
    assert "'parts' was unexpected" in fault(documents["python"].replace('"components"', '"parts"'))


def test_it_is_the_same_each_time(documents):
    """Whoever makes it again can compare: no time, no random number."""
    assert make_sbom() == documents


@pytest.mark.parametrize("part", PARTS)
def test_it_names_the_release(documents, part):
    """The version is that of pyproject.toml."""
    assert json.loads(documents[part])["metadata"]["component"]["version"] == VERSION


def test_it_lists_all_locks_of_the_image_with_every_hash(documents):
    """Those of other platforms too."""
    extras = re.search('ARG EXTRAS="(.*)"', (ROOT / "Containerfile").read_text())
    assert extras
    lock = "".join((ROOT / "requirements" / f"{name}.txt").read_text() for name in ("runtime", *extras[1].split()))
    listed = components(documents["python"])
    hashes = {digest["content"] for part in listed for digest in part["externalReferences"][0]["hashes"]}

    assert {(part["name"], part["version"]) for part in listed} == set(
        re.findall(r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)", lock, re.MULTILINE)
    )
    assert hashes == set(re.findall(r"sha256:(\w+)", lock))


def test_it_gives_the_licence_of_all_that_is_installed(documents):
    """The metadata of what only another platform installs is not here."""
    installed = set(locked("requirements/runtime.txt"))
    without = {part["name"] for part in components(documents["python"]) if not part.get("licenses")}

    assert without & installed == set()


def test_it_says_what_needs_what(documents):
    """From us to what a package of ours brings along."""
    needed = {entry["ref"]: entry.get("dependsOn", []) for entry in json.loads(documents["python"])["dependencies"]}
    names = {ref: [re.sub(r"pkg:pypi/|@.*", "", other) for other in others] for ref, others in needed.items()}

    assert "django" in names["latchkey"]
    assert "sqlparse" not in names["latchkey"]
    assert any("sqlparse" in others for ref, others in names.items() if ref.startswith("pkg:pypi/django@"))


def test_every_part_of_the_front_end_has_a_licence_and_a_hash(documents):
    """From its lock: nothing has to be installed."""
    listed = components(documents["frontend"])

    assert {"react", "@apollo/client"} <= {part["name"] for part in listed}
    assert all(part["licenses"] and part["hashes"] for part in listed)

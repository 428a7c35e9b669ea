"""The locks are complete: `pip install --no-deps` takes them as they are, whatever the index offers by then."""

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tools import environment_of

ROOT = Path(__file__).resolve().parents[2]
OF_TOOLS = ["tests/e2e/clairvoyance.txt", "requirements/sbom.txt"]
"""Their packages are in environments of their own."""
EXTRAS = ["requirements/anymail.txt", "requirements/tracing.txt"]
LOCKS = ["requirements/runtime.txt", "requirements/dev.txt", *EXTRAS, *OF_TOOLS]


def locked(lock: str) -> dict[str, Requirement]:
    """The pinned requirements of this platform, by name."""
    lines = re.findall(r"^([A-Za-z0-9][^\\\n]*?)\s*\\$", (ROOT / lock).read_text(), re.MULTILINE)
    pinned = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r for r in pinned if r.marker is None or r.marker.evaluate()}


def installed_for(lock: str) -> dict[str, importlib.metadata.Distribution]:
    """The packages of the environment that the lock makes, by name."""
    path = sys.path
    if lock in OF_TOOLS:
        home = environment_of(Path(lock).stem, str(Path(lock).parent))
        path = list(map(str, (home / "lib").glob("*/site-packages")))
    return {canonicalize_name(d.name): d for d in importlib.metadata.distributions(path=path)}


def needs(distribution: importlib.metadata.Distribution, extras: set[str]) -> list[Requirement]:
    """List the requirements of an installed package on this platform, with these extras."""
    asked = [Requirement(line) for line in distribution.requires or []]
    return [r for r in asked if r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in {"", *extras})]


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_that_a_locked_package_asks_for_is_locked_with_its_extras(lock):
    """Trap 47: `coverage[toml]` was locked without its extra, and no fresh machine could install it."""
    pins = locked(lock)
    installed = installed_for(lock)

    assert len(pins) > (20 if lock not in EXTRAS else 5)
    for name, pin in pins.items():
        for need in needs(installed[name], pin.extras):
            found = pins.get(canonicalize_name(need.name))
            assert found, f"{name} needs {need}"
            assert need.extras <= found.extras, f"{name} needs {need}"
            assert need.specifier.contains(installed[canonicalize_name(need.name)].version, prereleases=True), need


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_installed_is_what_is_locked(lock):
    """Else the test above would judge other releases."""
    installed = installed_for(lock)

    for name, pin in locked(lock).items():
        assert pin.specifier.contains(installed[name].version, prereleases=True), pin


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_the_hashes_of_every_platform(lock):
    """Else it could be installed only where it was made: what is compiled comes in a file for each platform."""
    hashes = {
        canonicalize_name(found[1]): found[2].count("--hash=")
        for found in re.finditer(
            r"^([\w.-]+)(?:\[.*\])?==.*\n((?:    --hash=.*\n)+)", (ROOT / lock).read_text(), re.MULTILINE
        )
    }
    compiled = {
        name
        for name, distribution in installed_for(lock).items()
        if name in hashes and "Root-Is-Purelib: false" in (distribution.read_text("WHEEL") or "")
    }

    assert set(locked(lock)) <= set(hashes)
    assert {name for name in compiled if hashes[name] < 6} == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock):
    """It is installed from whatever index the machine has."""
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize("file", ["Makefile", "tests/tools.py"])
def test_every_installation_takes_the_lock_alone(file):
    """Without --no-deps, pip prefers a dependency's newer release to the locked one, and then refuses it."""
    installations = [line for line in (ROOT / file).read_text().splitlines() if "--require-hashes" in line]

    assert installations
    assert all("--no-deps" in line for line in installations)

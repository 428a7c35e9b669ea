"""`make sbom`: the parts of a release as CycloneDX documents, one for the Python lock and one for the front end's.

Both are the same at each run: they hold no time and no random number. Runs in the environment of sbom.txt.
"""  # noqa: INP001 - a script, no package

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent
RUNTIME, *EXTRAS = (ROOT / "requirements" / f"{name}.txt" for name in ("runtime", "anymail", "tracing"))
"""What every installation has, and what the image has besides (`EXTRAS` in the Containerfile)."""
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\\n]+?))?"
    r" \\\n(?P<hashes>(?:    --hash=\S+(?: \\)?\n)+)(?P<via>(?:    #.*\n?)*)",
    re.MULTILINE,
)
CLASSIFIER = "License :: OSI Approved :: "
REQUESTED = "-r requirements/"


@dataclass(frozen=True)
class Pin:
    """A requirement of the lock."""

    name: str
    version: str
    marker: str
    """The platforms that need it; empty for all."""
    hashes: tuple[str, ...]
    """SHA-256 of each of its files, for every platform."""
    via: tuple[str, ...]
    """The packages that need it, and what begins with REQUESTED if we do."""
    extra: bool = False


def pins(lock: str) -> Iterator[Pin]:
    """The requirements of a lock that `make lock` has written."""
    for found in PIN.finditer(lock):
        via = re.sub(r"^    #(?: via)?", "", found["via"], flags=re.MULTILINE)
        yield Pin(
            found["name"],
            found["version"],
            found["marker"] or "",
            tuple(sorted(re.findall(r"sha256:([0-9a-f]{64})", found["hashes"]))),
            tuple(line.strip() for line in via.splitlines() if line.strip()),
        )


def all_pins() -> Iterator[Pin]:
    """Those of all locks, each package once."""
    found = {pin.name: pin for pin in pins(RUNTIME.read_text())}
    for lock in EXTRAS:
        for pin in pins(lock.read_text()):
            known = found.get(pin.name, replace(pin, extra=True))
            if (known.version, known.hashes) != (pin.version, pin.hashes):
                sys.exit(f"{lock.name} has another {pin.name} than the locks before it: make lock")
            found[pin.name] = replace(known, via=tuple(dict.fromkeys((*known.via, *pin.via))))
    yield from found.values()


def licence(name: str) -> License | None:
    """What the installed package says of itself; None if this platform does not install it."""
    installed = next(
        iter(
            importlib.metadata.distributions(name=name, path=[*map(str, (ROOT / ".venv/lib").glob("*/site-packages"))])
        ),
        None,
    )
    if installed is None:
        return None
    told = installed.metadata
    named = told.get("License-Expression") or told.get("License") or ""
    if not named or "\n" in named:
        classifiers = [value for value in told.get_all("Classifier", []) if value.startswith(CLASSIFIER)]
        named = " AND ".join(value.removeprefix(CLASSIFIER) for value in classifiers) or named.partition("\n")[0]
    return LicenseFactory().make_from_string(named) if named else None


def of_python(project: dict[str, Any]) -> str:
    """The document of the service, with every package of the locks."""
    service = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
        licenses=[LicenseFactory().make_from_string(project["license"])],
    )
    bom = Bom(components=[])
    bom.metadata.component = service
    locked = list(all_pins())
    components = {pin.name: _component(pin) for pin in locked}
    bom.components.update(components.values())
    bom.register_dependency(
        service, [components[pin.name] for pin in locked if any(via.startswith(REQUESTED) for via in pin.via)]
    )
    for name, component in components.items():
        bom.register_dependency(component, [components[pin.name] for pin in locked if name in pin.via])
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    return _reproducible(document, SchemaVersion.V1_6)


def _component(pin: Pin) -> Component:
    purl = PackageURL("pypi", name=pin.name, version=pin.version)
    found = licence(pin.name)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(purl)),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in pin.hashes],
    )
    return Component(
        name=pin.name,
        version=pin.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=[found] if found else [],
        external_references=[files],
        scope=ComponentScope.OPTIONAL if pin.marker or pin.extra else ComponentScope.REQUIRED,
        properties=[Property(name="latchkey:marker", value=pin.marker)] if pin.marker else [],
    )


def of_front_end(version: str) -> str:
    """The document of the front end, by npm. What only builds or tests it is marked `cdx:npm:package:development`."""
    with tempfile.TemporaryDirectory() as name:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / "frontend" / file, name)
        manifest = Path(name) / "package.json"
        # npm makes no document of a package without a version. The only place that states ours is pyproject.toml.
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": version}))
        # npm refuses a tree in which a peer asks for another release, which harms nobody here.
        options = ["--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only", "--legacy-peer-deps"]
        command = ["npm", "sbom", *options]
        done = subprocess.run(command, cwd=name, capture_output=True, text=True, check=True)  # noqa: S603
    document = json.loads(done.stdout)
    root = document["metadata"]["component"]
    root.update(name="latchkey-frontend", version=version)
    return _reproducible(document, SchemaVersion.from_version(document["specVersion"]))


def _reproducible(document: dict[str, Any], schema: SchemaVersion) -> str:
    """Without what differs at each run; checked against the schema of CycloneDX."""
    document.pop("serialNumber", None)
    document["metadata"].pop("timestamp", None)
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if fault := JsonStrictValidator(schema).validate_str(text):
        sys.exit(f"not valid: {fault}")
    return text


def main(folder: Path) -> None:
    """Write both documents."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    folder.mkdir(exist_ok=True)
    for part, text in (("python", of_python(project)), ("frontend", of_front_end(project["version"]))):
        path = folder / f"latchkey-{project['version']}-{part}.cdx.json"
        path.write_text(text)
        print(path)  # noqa: T201 - what was made


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Stand-ins for the base images, made of this machine's Debian packages: no registry of images is within reach.

A package and all that it needs are copied as dpkg lists them, which takes two seconds and no network. The result is
what debootstrap would unpack: Debian's essential packages, an interpreter, and nothing of ours.
"""

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from tests.tools import missing, program

LEFT_OUT = re.compile(r"/usr/share/(?:doc|man|locale|info|lintian)/")
"""As the slim images leave it out."""
MADE_BY_INSTALLATION = ("/etc/ssl/certs/ca-certificates.crt",)
TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    # Where the machine's own authorities vouch for the registries of packages.
    "etc/pip.conf": f"[global]\ncert = {MADE_BY_INSTALLATION[0]}\n",
    "usr/etc/npmrc": f"cafile={MADE_BY_INSTALLATION[0]}\n",
}


def write_base_image(
    archive: Path, *packages: str, trees: Iterable[str] = (), links: dict[str, str] | None = None
) -> None:
    """Write the root file system of these packages, of further directories, and symbolic links in it."""
    with tarfile.open(archive, "w") as image:
        below = {str(path) for tree in trees for path in Path(tree).rglob("*")}
        for path in sorted({*_files_of(_with_dependencies(packages)), *below, *MADE_BY_INSTALLATION}):
            if os.path.lexists(path):
                image.add(os.path.realpath(path) if path in MADE_BY_INSTALLATION else path, path[1:], recursive=False)
        for name, text in TEXTS.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            image.addfile(entry, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            image.addfile(entry)


def _files_of(packages: Iterable[str]) -> set[str]:
    """Their paths, each by its real directory: the packages know nothing of /bin being a link to /usr/bin."""
    listed = subprocess.run([program("dpkg"), "-L", *packages], capture_output=True, text=True, check=True).stdout
    return {
        str(Path(path).parent.resolve() / Path(path).name)
        for path in listed.splitlines()
        if path.startswith("/") and path != "/." and not LEFT_OUT.match(path)
    }


def _with_dependencies(packages: Iterable[str]) -> set[str]:
    fields = "${Package}\\t${Essential}\\t${Provides}\\t${Pre-Depends}, ${Depends}\\n"
    listed = subprocess.run(
        [program("dpkg-query"), "-W", "-f", fields], capture_output=True, text=True, check=True
    ).stdout
    needs: dict[str, str] = {}
    providers: dict[str, str] = {}
    waiting = [*packages]
    for line in listed.splitlines():
        name, essential, provides, dependencies = line.split("\t")
        needs[name] = dependencies
        for provided in re.findall(r"[a-z0-9][a-z0-9+.-]+", re.sub(r"\([^)]*\)", "", provides)):
            providers.setdefault(provided, name)
        if essential == "yes":
            waiting.append(name)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in needs:
            missing(f"the Debian package {name} is not installed")
        if name in found:
            continue
        found.add(name)
        for alternatives in needs[name].split(","):
            names = (re.split(r"[\s(:]", alternative.strip())[0] for alternative in alternatives.split("|"))
            waiting += [chosen for each in names if (chosen := each if each in needs else providers.get(each))][:1]
    return found

"""Podman with a storage of the tests' own, and images that stand in for those of a registry."""

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.container.debian import write_base_image
from tests.tools import ROOT, missing, program

STORAGE = Path(tempfile.gettempdir()) / "latchkey-tests" / "podman"
"""Kept between runs: what has not changed is not built again."""
DOWNLOADS = Path.home() / ".npm"
NPM = "/usr/lib/node_modules/npm"
"""npm may have been updated by itself, beyond the files of its package."""
NAMESPACE = """
grep -o ' /sys/fs/cgroup[^ ]*' /proc/mounts | tac | while read -r mounted; do umount -l "$mounted"; done
mount -t cgroup2 none /sys/fs/cgroup
echo ready
exec cat
"""
"""A mount namespace until its standard input ends. crun wants one kind of cgroups; some machines have both kinds."""
AS_COMPOSE_DOES = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=64m",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    # Of the machine that runs the tests, which may allow no cgroups and no higher limits.
    "--cgroups=disabled",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1024:1024",
    "--network=host",
)


@dataclass(frozen=True)
class Podman:
    """The commands of a storage."""

    namespace: int

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line."""
        enter = ["nsenter", f"--mount=/proc/{self.namespace}/ns/mnt", f"--wdns={ROOT}"]
        storage = ["--root", STORAGE / "root", "--runroot", STORAGE / "run", "--cgroup-manager=cgroupfs"]
        return [*enter, "podman", *map(str, storage), *map(str, arguments)]

    def run(self, *arguments: str | Path, check: bool = True, timeout: float = 600) -> str:
        """What it prints."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0 or not check, (
            f"{' '.join(map(str, arguments))}:\n{done.stdout[-4000:]}{done.stderr[-8000:]}"
        )
        return done.stdout

    def images(self) -> list[str]:
        """The names of all images."""
        return self.run("images", "--format={{.Repository}}:{{.Tag}}").split()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Several test processes share the storage."""
        with (STORAGE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def inspect(self, image: str) -> dict[str, Any]:
        """The configuration of an image."""
        found: dict[str, Any] = json.loads(self.run("image", "inspect", image))[0]
        return found


@contextlib.contextmanager
def podman() -> Iterator[Podman]:
    """Until the block ends."""
    for name in ("podman", "crun", "nsenter", "unshare"):
        program(name)
    if os.geteuid():
        missing("images are built as root")
    STORAGE.mkdir(parents=True, exist_ok=True)
    command = ["unshare", "--mount", "sh", "-euc", NAMESPACE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        if holder.stdout.readline() != "ready\n":
            missing("no mount namespace of our own is allowed here")
        yield Podman(holder.pid)


def base_image(podman: Podman, name: str, *packages: str, **more: Any) -> str:
    """The name of an image of Debian packages, made unless it exists for these versions."""
    installed = subprocess.run([program("dpkg-query"), "-W"], capture_output=True, check=True).stdout
    recipe = hashlib.sha256(
        installed + repr((packages, more)).encode() + Path(__file__).with_name("debian.py").read_bytes()
    )
    image = f"localhost/{name}:{recipe.hexdigest()[:12]}"
    if image not in podman.images():
        archive = STORAGE / f"{name}.tar"
        write_base_image(archive, *packages, **more)
        podman.run("import", archive, image)
        archive.unlink()
    return image


def build(podman: Podman, image: str, **arguments: str) -> None:
    """Build the Containerfile on stand-ins for its base images."""
    bases = {
        "PYTHON_IMAGE": base_image(
            podman,
            "python",
            "python3-venv",
            "ca-certificates",
            "tzdata",
            links={"usr/local/bin/python": "/usr/bin/python3"},
        ),
        "NODE_IMAGE": base_image(podman, "node", "nodejs", trees=[NPM]),
    }
    DOWNLOADS.mkdir(exist_ok=True)
    podman.run(
        "build",
        "--file=Containerfile",
        "--format=docker",
        "--isolation=chroot",
        "--network=host",
        "--layers=false",
        # What this machine has downloaded before.
        f"--volume={DOWNLOADS}:/root/.npm:rw",
        *(f"--build-arg={name}={value}" for name, value in {**bases, **arguments}.items()),
        f"--tag={image}",
        ".",
    )

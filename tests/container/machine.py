"""A machine to follow a guide on: this one's programs, with its own file system, processes and network on top.

Whatever is written goes into memory, and ends with the block. systemd does not run in it: `systemctl` is a stand-in
that starts what a unit says, as the user that it names, on the read-only tree that it asks for.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tools import missing, program

SET_UP = """
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
# What the machine's own PostgreSQL keeps is not of this one.
mount -t tmpfs tmpfs "$1/root/etc/postgresql"
mount -t tmpfs tmpfs "$1/root/var/lib/postgresql"
chown postgres:postgres "$1/root/var/lib/postgresql"
mkdir "$1/root/run/postgresql" && chown postgres:postgres "$1/root/run/postgresql"
ip link set lo up
echo "$$"
exec cat
"""
SYSTEMCTL = Path(__file__).with_name("systemctl.py")


@dataclass(frozen=True)
class Machine:
    """A running one."""

    pid: int
    root: Path
    environment: dict[str, str]

    def run(self, script: str, *, online: bool = False, timeout: float = 300) -> str:
        """What a shell prints, which ends at the first command that fails. `online`: with this machine's network."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", *([] if online else ["--net"])]
        done = subprocess.run(
            [*enter, "chroot", self.root, "bash", "-euo", "pipefail", "-c", script],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
        return done.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file."""
        self.run(f"cat > {path} <<'END OF FILE'\n{text}\nEND OF FILE\nchmod {mode:o} {path}")


@contextlib.contextmanager
def machine(directory: Path) -> Iterator[Machine]:
    """Until the block ends."""
    for name in ("unshare", "nsenter", "setpriv", "ip"):
        program(name)
    if os.geteuid():
        missing("a machine is made as root")
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-euc", SET_UP, "-", directory]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        if not holder.stdout.readline():
            missing("no namespaces of our own are allowed here")
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        environment = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "SSL_", "REQUESTS_")) or name == "LANG"
        }
        own = Machine(
            int(children[0]),
            directory / "root",
            {**environment, "HOME": "/root", "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "PIP_USER": "0"},
        )
        own.write("/usr/local/sbin/systemctl", f"#!/usr/bin/python3\n{SYSTEMCTL.read_text()}", 0o755)
        yield own

"""`systemctl` for a machine without systemd: starts units as their files say. machine.py installs it."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

UNITS = (Path("/etc/systemd/system"), Path("/lib/systemd/system"))
RUNNING = Path("/run/units")
READ_ONLY = (
    'mount --make-rprivate / && mount -o remount,bind,ro / && mount -t tmpfs -o mode=1777 tmpfs /tmp && exec "$@"'
)


def unit(name: str) -> dict[str, list[str]]:
    """The assignments of [Service], of the file and its drop-ins; each has a list."""
    template, _, instance = name.removesuffix(".service").partition("@")
    name = f"{template}@.service" if instance else name
    file = next(folder / name for folder in UNITS if (folder / name).exists())
    drop_ins = sorted(path for folder in UNITS for path in (folder / f"{name}.d").glob("*.conf"))
    found: dict[str, list[str]] = {}
    for path in (file, *drop_ins):
        section = ""
        for line in path.read_text().splitlines():
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and not line.startswith("#"):
                key, _, value = line.partition("=")
                found.setdefault(key.strip(), []).append(value.strip().replace("%i", instance))
    return found


def start(name: str) -> None:
    """Run what comes before, start the service, and wait until it says that it is ready."""
    service = unit(name)
    user = service["User"][0]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(Path(f"~{user}").expanduser()), "USER": user}
    for text in service.get("Environment", []):
        environment.update(item.split("=", 1) for item in shlex.split(text))
    for path in service.get("EnvironmentFile", []):
        lines = Path(path).read_text().splitlines()
        environment.update(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    privileges = [f"--reuid={user}", f"--regid={user}", "--init-groups", "--inh-caps=-all"]
    if "CAP_NET_BIND_SERVICE" in "".join(service.get("AmbientCapabilities", [])):
        privileges[-1:] = ["--inh-caps=-all,+net_bind_service", "--ambient-caps=-all,+net_bind_service"]
    if service.get("CapabilityBoundingSet") == [""]:
        privileges.append("--bounding-set=-all")
    if service.get("NoNewPrivileges") == ["yes"]:
        privileges.append("--no-new-privs")
    sealed = ["unshare", "--mount", "sh", "-c", READ_ONLY, "-"] if service.get("ProtectSystem") == ["strict"] else []
    prefix = [*sealed, "setpriv", *privileges]
    directory = service.get("WorkingDirectory", ["/"])[0]
    for command in service.get("ExecStartPre", []):
        subprocess.run([*prefix, *shlex.split(command)], cwd=directory, env=environment, check=True)
    (command,) = service["ExecStart"]
    if service.get("Type") == ["oneshot"]:
        subprocess.run([*prefix, *shlex.split(command)], cwd=directory, env=environment, check=True)
        return
    RUNNING.mkdir(exist_ok=True)
    ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = RUNNING / f"{name}.notify"
    address.unlink(missing_ok=True)
    ready.bind(str(address))
    address.chmod(0o777)
    ready.settimeout(120)
    environment["NOTIFY_SOCKET"] = str(address)
    with (RUNNING / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [*prefix, *shlex.split(command)],
            cwd=directory,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (RUNNING / f"{name}.pid").write_text(str(process.pid))
    if service.get("Type") == ["notify"]:
        while b"READY=1" not in ready.recv(4096):
            pass


def stop(name: str) -> None:
    """SIGTERM to the main process, and wait."""
    file = RUNNING / f"{name}.pid"
    if not file.exists():
        return
    pid = int(file.read_text())
    os.kill(pid, signal.SIGTERM)
    for _ in range(400):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1][:3]:
            break
        time.sleep(0.1)
    file.unlink()


def main(action: str, *names: str) -> None:
    """Of the actions that the guide needs."""
    if action == "daemon-reload":
        return
    for name in names:
        if name == "--now":
            continue
        full = name if "." in name else f"{name}.service"
        # A timer: what it starts each day.
        full = full.replace(".timer", ".service")
        if action == "restart":
            stop(full)
        start(full)


main(*sys.argv[1:])

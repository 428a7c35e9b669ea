"""docs/deploy.md, word for word, on a machine made for it; and the units that it installs."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.container.machine import Machine, machine
from tests.documents import ROOT, Block, blocks
from tests.tools import ASKS_NO_DATABASE, missing, program

pytestmark = ASKS_NO_DATABASE

PAGE = ROOT / "docs" / "deploy.md"
NEEDS_NETWORK = re.compile(r"^make ", re.MULTILINE)
OF_THE_READER = """
DOMAIN=accounts.example.org
SOURCE=/srv/source
EMAIL_URL=smtp://127.0.0.1:2525
CADDY_OPTION=local_certs
"""
"""In place of the first block. Caddy's own authority vouches for a name that no public one can check."""
FRESH = """
# Never on the machine itself.
[ "$(stat --file-system --format=%T /)" = overlayfs ]
# The packages of the guide, as their installation leaves them: a new cluster and a Redis, at their usual ports.
PATH="/usr/lib/postgresql/$(ls /usr/lib/postgresql | sort -n | tail -1)/bin:$PATH"
runuser -u postgres -- initdb --auth=peer --pgdata=/var/lib/postgresql/data > /dev/null
runuser -u postgres -- pg_ctl --wait --pgdata=/var/lib/postgresql/data \\
  --log=/tmp/postgresql.log --options="-k /run/postgresql -c fsync=off" start > /dev/null
redis-server --daemonize yes --bind 127.0.0.1 --save '' --dir /tmp > /dev/null
echo 127.0.0.1 accounts.example.org >> /etc/hosts
# Nothing is installed: apt-get says what it would do.
mkdir -p /etc/apt/apt.conf.d && echo 'APT::Get::Simulate "true";' > /etc/apt/apt.conf.d/99simulate
ln -sf /usr/bin/python3 /usr/local/bin/python3
"""


@dataclass(frozen=True)
class Followed:
    """The machine, once its reader has followed the guide."""

    machine: Machine
    printed: dict[str, str]
    """By the first words of a block."""


def guide() -> list[Block]:
    """The blocks that are run."""
    return [block for block in blocks(PAGE) if block.language == "bash" and not block.reason]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """Each block in the order of the page, in a shell of its own that knows what the reader has said first."""
    for name in ("caddy", "redis-server", "make", "git", "openssl", "curl"):
        program(name)
    if not shutil.which("apt-get"):
        missing("the guide is for Debian")
    source = tmp_path_factory.mktemp("source")
    archive = source / "tree.tar"
    listing = subprocess.run(
        [program("git"), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    subprocess.run(
        [program("tar"), "-cf", archive, "--null", "--ignore-failed-read", "-T", "-"],
        cwd=ROOT,
        input=listing,
        check=True,
    )
    with machine(tmp_path_factory.mktemp("machine")) as fresh:
        fresh.run(FRESH)
        # The reader's own repository: this tree as it is.
        own = "git -c user.name=a -c user.email=a@example.org"
        with archive.open("rb") as tree:
            enter = ["nsenter", f"--target={fresh.pid}", "--mount", "chroot", fresh.root]
            unpack = f"mkdir /srv/source; cd /srv/source; tar -xf -; git init -q; git add -A; {own} commit -qm a"
            subprocess.run([*enter, "sh", "-euc", unpack], stdin=tree, check=True, capture_output=True)
        # The authority of Caddy vouches for it, in place of those that the system knows.
        fresh.environment["CURL_CA_BUNDLE"] = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
        first, *rest = guide()
        assert re.findall(r"^\w+=", first.text, re.MULTILINE) == re.findall(r"^\w+=", OF_THE_READER, re.MULTILINE)
        printed = {}
        for block in rest:
            text = fresh.run(OF_THE_READER + block.text, online=bool(NEEDS_NETWORK.search(block.text)))
            printed[" ".join(block.text.split()[:2])] = text
        yield Followed(fresh, printed)


def test_the_service_answers_over_tls(followed):
    """The last command of the guide."""
    assert json.loads(followed.printed["curl --fail"])["data"]["authConfig"]


def test_the_packages_have_the_names_that_debian_gives_them(followed):
    """apt-get knows all of them."""
    assert "apt-get install" in followed.printed


def test_the_service_runs_as_its_own_user(followed):
    """And not as root."""
    users = followed.machine.run("ps -o user= -C gunicorn | sort -u")

    assert users.split() == ["latchkey"]


def test_the_code_and_the_settings_belong_to_root(followed):
    """The service's user changes neither, and nobody else reads the settings (S59)."""
    written = followed.machine.run("find /opt/latchkey /etc/latchkey ! -type l \\( -user latchkey -o -perm /o+w \\)")
    modes = followed.machine.run("stat -c '%a %U %G' /etc/latchkey /etc/latchkey/environment")

    assert written == ""
    assert modes.splitlines() == ["750 root latchkey", "640 root latchkey"]


CALL_ALL_THE_TIME = """
while [ ! -e /tmp/stop ]; do
  curl --silent --output /dev/null --write-out '%{http_code}\\n' --header 'Content-Type: application/json' \\
    --data '{"query": "{ authConfig { __typename } }"}' https://accounts.example.org/graphql >> /tmp/statuses
done
"""


def test_a_new_version_is_deployed_without_a_failed_call(followed):
    """The last block of the guide, while a client calls."""
    (restarts,) = (block.text for block in guide() if block.text.startswith("systemctl restart latchkey"))
    followed.machine.write("/tmp/calls", CALL_ALL_THE_TIME)  # noqa: S108 - of a machine of our own
    statuses = followed.machine.run(
        f"bash /tmp/calls & sleep 2\n({restarts}) > /tmp/printed\nsleep 2; touch /tmp/stop; wait; cat /tmp/statuses"
    ).split()

    assert len(statuses) > 50
    assert set(statuses) == {"200"}


def test_a_backup_is_restored_as_the_page_says(followed):
    """docs/backup.md, as this guide has set PostgreSQL up: the service's user makes no databases."""
    (commands,) = [
        block.text for block in blocks(ROOT / "docs" / "backup.md") if block.language == "sh" and not block.reason
    ]
    followed.machine.run(commands)
    check = "cd /opt/latchkey && DOTENV=/etc/latchkey/environment .venv/bin/python -B manage.py migrate --check"
    name = "DATABASE_URL=postgres:///latchkey_restored?host=/run/postgresql"

    followed.machine.run(f"export {name}; {check.replace('DOTENV', 'runuser -u latchkey -- env DOTENV')}")


@pytest.mark.parametrize("name", ["latchkey@.service", "latchkey-daily.service", "latchkey-daily.timer"])
def test_systemd_knows_every_line_of_the_units(name):
    """`systemd-analyze verify`; programs and users that only the guide makes are not there."""
    analyze = program("systemd-analyze")
    done = subprocess.run(
        [analyze, "verify", "--man=no", ROOT / "deploy" / "systemd" / name], capture_output=True, text=True, check=False
    )

    complaints = [line for line in done.stderr.splitlines() if f"deploy/systemd/{name}" in line]
    assert complaints == []

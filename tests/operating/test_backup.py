"""docs/backup.md: its commands, as they stand, against a real PostgreSQL and under load."""

import contextlib
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.api import CHANGE_PASSWORD, PASSWORD, REFRESH, REGISTER, REVOKE, TOKEN_AUTH
from tests.documents import ROOT, blocks
from tests.live import UNLIMITED, Live, serving
from tests.passwords.mailed import REQUEST_RESET
from tests.tools import program

pytestmark = pytest.mark.skipif(
    "not __import__('os').environ.get('DATABASE_URL', '').startswith('postgres')", reason="PostgreSQL's own programs"
)

DUMP, RESTORE, CHECK, END = (
    block.text for block in blocks(ROOT / "docs" / "backup.md") if block.language == "bash" and not block.reason
)
NEW_PASSWORD = "a passphrase after the dump"
LIGHT = {"ARGON2_MEMORY_COST": "8", "ARGON2_TIME_COST": "1"}


def payload(live: Live, query: str, *, access: str = "", **given: Any) -> Any:
    """Of the one mutation."""
    headers = {"Authorization": f"Bearer {access}"} if access else {}
    status, body = live.post(query, headers=headers, input=given)
    assert status == 200 and "errors" not in body, body
    (found,) = body["data"].values()
    return found


def register(live: Live, name: str) -> dict[str, str]:
    """The tokens of somebody new."""
    person = {"email": f"{name}@example.com", "username": name, "firstName": "Ada", "password": PASSWORD}
    return payload(live, REGISTER, **person)["tokens"]


def refresh(live: Live, token: str) -> dict[str, str] | None:
    """The next pair; None if it is refused."""
    return payload(live, REFRESH, refreshToken=token)["tokens"]


def signs_in(live: Live, name: str, password: str) -> bool:
    """With this password."""
    return payload(live, TOKEN_AUTH, email=f"{name}@example.com", password=password)["tokens"] is not None


def is_alive(live: Live, access: str) -> bool:
    """Whether an access token opens the API."""
    return live.post("{ me { id } }", headers={"Authorization": f"Bearer {access}"})[0] == 200


@dataclass
class Load:
    """People who refresh, and people who register, all the time."""

    live: Live
    stopping: threading.Event = field(default_factory=threading.Event)
    done: int = 0
    wrong: list[Any] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)

    def refreshing(self, name: str) -> None:
        """One session, refreshed again and again."""
        token = register(self.live, name)["refreshToken"]
        while not self.stopping.is_set():
            pair = refresh(self.live, token)
            if pair is None:
                self.wrong.append(name)
                return
            token = pair["refreshToken"]
            self.issued += pair.values()
            self.done += 1

    def registering(self, name: str) -> None:
        """One account after the other."""
        number = 0
        while not self.stopping.is_set():
            self.issued += register(self.live, f"{name}{number}").values()
            number += 1

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Until the block ends. Fails if a refresh was refused."""
        threads = [threading.Thread(target=self.refreshing, args=(f"busy{n}",), daemon=True) for n in range(2)]
        threads.append(threading.Thread(target=self.registering, args=("new",), daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stopping.set()
            for thread in threads:
                thread.join(30)
        assert self.wrong == [] and self.done > 0


@dataclass
class Terminal:
    """A shell that remembers its variables from block to block, where the names on the page are a test's own."""

    environment: dict[str, str]
    stand_ins: dict[str, str]

    def run(self, block: str) -> str:
        """What the commands print. Fails at the first that fails."""
        for written, stand_in in self.stand_ins.items():
            block = block.replace(written, stand_in)
        script = f"set -euo pipefail\n{block}\nexport RESTORED_URL=${{RESTORED_URL-}}\necho; echo ---; env -0"
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=ROOT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        printed, _, after = done.stdout.rpartition("\n---\n")
        self.environment = dict(line.split("=", 1) for line in after.split("\0") if "=" in line)
        return printed


@dataclass
class Backup:
    """A dump that was made under load, and what was known before it."""

    live: Live
    terminal: Terminal
    file: Path
    load: Load
    before: dict[str, dict[str, str]]
    lost: dict[str, str]


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backup]:
    """The first block has run while clients were at work; then some things happened."""
    for name in ("pg_dump", "pg_restore", "createdb", "psql", "bash"):
        program(name)
    directory = tmp_path_factory.mktemp("backup")
    restored = f"latchkey_restored_{uuid.uuid4().hex[:8]}"
    with serving(directory, **UNLIMITED, **LIGHT) as live:
        before = {name: register(live, name) for name in ("waits", "revokes", "loses", "changes", "forgets")}
        lost = refresh(live, before["loses"]["refreshToken"])
        assert lost
        payload(live, REQUEST_RESET, email="forgets@example.com")
        file = directory / "latchkey.dump"
        terminal = Terminal(
            {**live.environment, "PYTHONWARNINGS": "ignore"},
            {"latchkey_restored": restored, "latchkey.dump": str(file)},
        )
        load = Load(live)
        with load.running():
            terminal.run(DUMP)
        payload(live, REVOKE, token=before["revokes"]["refreshToken"])
        changed = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
        access = before["changes"]["accessToken"]
        assert payload(live, CHANGE_PASSWORD, access=access, **changed)["errors"] == []
        yield Backup(live, terminal, file, load, before, lost)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{restored}" WITH (FORCE)')


def test_the_walk_through(backup, tmp_path):
    """Restored, checked and served: what the page says lives, lives; and nothing does after the last commands."""
    terminal, before = backup.terminal, backup.before
    assert not is_alive(backup.live, before["revokes"]["accessToken"])
    terminal.run(RESTORE)
    checked = terminal.run(CHECK)
    assert "no issues" in checked
    assert terminal.environment["DATABASE_URL"] == terminal.environment["RESTORED_URL"] != os.environ["DATABASE_URL"]

    environment = {
        name: value for name, value in terminal.environment.items() if name in {"DATABASE_URL", "SECRET_KEY"}
    }
    with serving(tmp_path, CACHE_URL=f"filecache://{tmp_path / 'empty'}", **UNLIMITED, **LIGHT, **environment) as live:
        assert signs_in(live, "waits", PASSWORD)
        assert is_alive(live, before["waits"]["accessToken"])
        kept = refresh(live, before["waits"]["refreshToken"])
        assert kept
        # The answer that was lost before the dump: by the same key, it is the same.
        again = refresh(live, before["loses"]["refreshToken"])
        assert again and again["refreshToken"] == backup.lost["refreshToken"]
        # What came back to life.
        assert is_alive(live, before["revokes"]["accessToken"])
        assert signs_in(live, "changes", PASSWORD) and not signs_in(live, "changes", NEW_PASSWORD)

        terminal.run(END)

        assert not is_alive(live, before["revokes"]["accessToken"])
        assert refresh(live, before["revokes"]["refreshToken"]) is None
        assert refresh(live, kept["refreshToken"]) is None
        assert signs_in(live, "waits", PASSWORD)
    with psycopg.connect(terminal.environment["DATABASE_URL"]) as connection:
        counts = connection.execute("SELECT count(*), count(*) FILTER (WHERE used_at IS NULL) FROM accounts_mailedcode")
        made, usable = counts.fetchone() or (0, 0)
        assert made > 0 == usable


@pytest.mark.parametrize(
    ("url", "restored"),
    [
        ("postgres://u:p@h:1/latchkey", "postgres://u:p@h:1/latchkey_restored"),
        ("postgres:///latchkey?host=/run/postgresql", "postgres:///latchkey_restored?host=/run/postgresql"),
        ("postgres://h/n?sslrootcert=/etc/ca.pem", "postgres://h/latchkey_restored?sslrootcert=/etc/ca.pem"),
    ],
)
def test_the_restored_url_differs_in_the_name_only(url, restored):
    """That of docs/deploy.md has a path in its options."""
    (line,) = [line for line in RESTORE.splitlines() if line.startswith("RESTORED_URL=")]
    printed = Terminal({**os.environ, "DATABASE_URL": url}, {}).run(f'{line}\nprintf %s "$RESTORED_URL"')

    assert printed.strip() == restored


def test_a_dump_holds_no_usable_token(backup):
    """S15: it is searched as text for all tokens that were issued until it was complete, and has their hashes."""
    text = subprocess.run(
        [program("pg_restore"), "--file=-", backup.file], check=True, capture_output=True, text=True
    ).stdout
    tokens = {token for pair in backup.before.values() for key, token in pair.items() if key.endswith("Token")}
    tokens |= {token for token in backup.load.issued if isinstance(token, str) and len(token) == 43}

    assert "waits@example.com" in text
    assert len(tokens) > 20
    assert [token for token in tokens if token in text] == []


def test_two_roles_of_the_database_take_turns(backup):
    """The commands of docs/secrets.md: the second role acts as the first, which owns what it makes."""
    (commands,) = [block.text for block in blocks(ROOT / "docs" / "secrets.md") if block.language == "bash"]
    url = backup.live.environment["DATABASE_URL"]
    owner, second = (f"latchkey_{uuid.uuid4().hex[:8]}" for _ in range(2))
    with psycopg.connect(url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f"CREATE ROLE {owner} LOGIN")
        try:
            admin.execute(f'GRANT ALL ON DATABASE "{name}" TO {owner}; GRANT ALL ON SCHEMA public TO {owner}')
            admin.execute(f"SET ROLE {owner}; CREATE TABLE of_the_first (id int); RESET ROLE")
            stand_ins = {"latchkey_b": second, "IN ROLE latchkey": f"IN ROLE {owner}", "TO latchkey": f"TO {owner}"}
            Terminal({**os.environ, "DATABASE_URL": url}, stand_ins).run(commands)
            with psycopg.connect(url, user=second) as connection:
                connection.execute("INSERT INTO of_the_first VALUES (1)")
                connection.execute("CREATE TABLE of_the_second (id int)")
            owners = admin.execute("SELECT tableowner FROM pg_tables WHERE tablename LIKE 'of_the_%'").fetchall()
            assert owners == [(owner,)] * 2
        finally:
            admin.execute(f"DROP TABLE IF EXISTS of_the_first, of_the_second; DROP OWNED BY {owner}")
            admin.execute(f"DROP ROLE IF EXISTS {second}; DROP ROLE {owner}")

"""Commands in a process of their own, as cron and `exec` start them."""

import json
import os
import pwd
import subprocess
import sys
from typing import Any

import pytest

from accounts.management.program import user_of_system
from tests.api import PASSWORD
from tests.live import ROOT, environment_of_service, free_port, fresh_database

ADA = ("accounts", "create", "ada@example.com", "--username=ada", "--first-name=Ada")


@pytest.fixture(scope="module")
def manage(tmp_path_factory) -> Any:
    """Run manage.py against a database of this module."""
    with fresh_database(tmp_path_factory.mktemp("commands"), migrated=True) as database:

        def run(
            *arguments: str, given: str = "", stdout: Any = subprocess.PIPE, **environment: str
        ) -> "subprocess.CompletedProcess[str]":
            settings = {"DATABASE_URL": database, "CACHE_URL": "locmemcache://", **environment}
            return subprocess.run(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=environment_of_service(**settings),
                input=given,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=60,
            )

        yield run


def test_a_program_creates_an_account_and_exports_what_happened(manage):
    """Records alone on standard output, the log on standard error, and the password nowhere."""
    created = manage(*ADA, "--password-stdin", "--json", "--if-missing", given=PASSWORD)
    exported = manage("events", "export", "--lag=0", "--json")

    assert (created.returncode, exported.returncode) == (0, 0)
    account = json.loads(created.stdout)
    # Events of other tests may be left: nothing deletes them but their age.
    (event,) = [event for event in map(json.loads, exported.stdout.splitlines()) if event["subject"] == account["id"]]
    user = pwd.getpwuid(os.getuid()).pw_name
    assert event["client"] == f"program:{user}"
    assert "account:register:success" in created.stderr
    assert PASSWORD not in created.stdout + created.stderr


def test_the_exit_code_and_the_last_line_tell_what_went_wrong(manage):
    """Refused, and not found."""
    refused = manage(*ADA, "--username=a b", "--json")
    missing = manage("accounts", "show", "nobody@example.com", "--json")

    assert (refused.returncode, missing.returncode) == (3, 4)
    for failed, code in ((refused, "INVALID_INPUT"), (missing, "NOT_FOUND")):
        assert failed.stdout == ""
        assert code in [one["code"] for one in json.loads(failed.stderr.splitlines()[-1])["errors"]]


NOT_TEXT = os.fsdecode(b"a\xff@example.com")
WRONG = [
    ("accounts", "show"),
    ("accounts", "end-sessions", "ada@example.com", "--session=x"),
    ("accounts", "show", NOT_TEXT),
    ("events", "export", "--until=soon"),
    ("provision",),
    ("ensure_client", "--confidential", "--resource-server"),
    ("ensure_client", "--name", NOT_TEXT),
    ("end_all_sessions", "--never"),
    ("clear_expired", "more"),
]


@pytest.mark.parametrize("call", WRONG, ids=str)
def test_a_wrong_call_is_told_in_json_too(manage, call):
    """With the exit code of wrong calls."""
    done = manage(*call, "--json")

    assert (done.returncode, done.stdout) == (2, "")
    (error,) = json.loads(done.stderr)["errors"]
    assert (error["code"], error["field"]) == ("WRONG_CALL", None)
    assert len(error["message"]) > 10


def test_a_wrong_call_is_told_in_words_to_people(manage):
    """By argparse, also an argument that is no text."""
    done = manage("accounts", "show", NOT_TEXT)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("error: an argument is not UTF-8\n")


def test_what_is_not_confirmed_is_told_in_json_too(manage):
    """Of commands without verbs as well."""
    done = manage("end_all_sessions", "--json")

    assert done.returncode == 1
    assert "--yes" in json.loads(done.stderr)["errors"][0]["message"]


@pytest.mark.parametrize("call", [("accounts", "list", "--json"), ("accounts", "list"), ("settings",)], ids=str)
def test_a_reader_that_has_enough_ends_a_command_quietly(manage, call):
    """As `manage.py accounts list | head`: no traceback, neither at once nor from Python at the exit."""
    manage("accounts", "create", "bob@example.com", "--username=bob", "--first-name=Bob")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = manage(*call, stdout=closed)

    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    "call", [("accounts", "list"), ("end_all_sessions", "--yes"), ("provision", "/dev/null"), ("ensure_client",)]
)
def test_a_database_that_is_away_is_told_apart(manage, call):
    """A cron job tries again later."""
    away = f"postgres://latchkey@127.0.0.1:{free_port()}/latchkey"

    done = manage(*call, "--json", DATABASE_URL=away)

    assert (done.returncode, done.stdout) == (5, "")
    assert json.loads(done.stderr.splitlines()[-1])["errors"][0]["code"] == "SERVICE_UNAVAILABLE"


@pytest.mark.parametrize("command", ["accounts", "events", "provision", "ensure_client"])
def test_help_says_when_to_run_a_command(manage, command):
    """Without a database."""
    shown = manage(command, "--help", DATABASE_URL=f"postgres://x@127.0.0.1:{free_port()}/x")

    assert shown.returncode == 0
    assert "un it " in " ".join(shown.stdout.split())


def test_a_user_without_a_name_has_a_number(monkeypatch):
    """As in containers, whose users /etc/passwd does not list; the environment may say anything."""
    monkeypatch.setenv("USER", "somebody")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)

    assert user_of_system() == f"uid-{2**31 - 7}"

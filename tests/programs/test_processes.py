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

        def run(*arguments: str, given: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
            settings = {"DATABASE_URL": database, "CACHE_URL": "locmemcache://", **environment}
            return subprocess.run(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=environment_of_service(**settings),
                input=given,
                capture_output=True,
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
    (event, *_exports) = map(json.loads, exported.stdout.splitlines())
    user = pwd.getpwuid(os.getuid()).pw_name
    assert (event["subject"], event["client"]) == (account["id"], f"program:{user}")
    assert "account:register:success" in created.stderr
    assert PASSWORD not in created.stdout + created.stderr


def test_the_exit_code_and_the_last_line_tell_what_went_wrong(manage):
    """Refused, not found, and a wrong call."""
    refused = manage(*ADA, "--username=a b", "--json")
    missing = manage("accounts", "show", "nobody@example.com", "--json")
    wrong = manage("accounts", "show", "--json")

    assert (refused.returncode, missing.returncode, wrong.returncode) == (3, 4, 2)
    for failed, code in ((refused, "INVALID_INPUT"), (missing, "NOT_FOUND")):
        assert failed.stdout == ""
        assert code in [one["code"] for one in json.loads(failed.stderr.splitlines()[-1])["errors"]]


def test_a_database_that_is_away_is_told_apart(manage):
    """A cron job tries again later."""
    away = f"postgres://latchkey@127.0.0.1:{free_port()}/latchkey"

    done = manage("accounts", "list", "--json", DATABASE_URL=away)

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

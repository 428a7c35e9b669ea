"""Each command says what it does and when to run it, and docs/commands.md lists all of them."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from accounts.management.commands import clear_expired
from tests.documents import ROOT, blocks

PAGE = ROOT / "docs" / "commands.md"
OURS = sorted(path.stem for path in (ROOT / "accounts/management/commands").glob("[a-z]*.py"))
TABLE = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = {name: (does, when) for name, does, when in TABLE.findall(PAGE.read_text())}


def test_there_are_commands():
    """An empty walk would pass."""
    assert {"clear_expired", "ensure_client", "send_queued_mail"} <= set(OURS)
    assert all(get_commands()[name] == "accounts" for name in OURS)


@pytest.mark.parametrize("name", OURS)
def test_help_says_what_it_does_and_when_to_run_it(name):
    """What first, then a sentence that begins with `Run it`."""
    does, run, when = load_command_class("accounts", name).help.partition(" Run it ")

    assert does.endswith(".") and does[0].isupper()
    assert run and when.rstrip().endswith(".")


@pytest.mark.parametrize("name", OURS)
def test_each_option_is_explained(name):
    """Unless its name says it all."""
    parser = load_command_class("accounts", name).create_parser("manage.py", name)
    silent = [action.dest for action in parser._actions if action.dest != "help" and not action.help]

    assert set(silent) <= {"client_id", "name", "redirect_uris", "sources", "file", "output", "verb"}


def test_the_table_lists_all_commands():
    """And no other. `settings` is of the project."""
    assert ROWS.keys() == {*OURS, "settings"}


@pytest.mark.parametrize("name", ROWS)
def test_the_table_says_what_and_when(name):
    """In each row."""
    does, when = ROWS[name]

    assert len(does.split()) > 2 and len(when.split()) > 1


def test_the_page_lists_what_is_cleared():
    """Each kind as the command prints it."""
    section = PAGE.read_text().partition("## What `clear_expired` deletes")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| ([\w -]+?) \| ", section, re.MULTILINE)

    assert [kind.lower() for kind in listed[1:]] == [kind.lower() for kind in clear_expired.KINDS]


SCHEDULES = {block.language: block.text for block in blocks(PAGE)}


def test_cron_runs_the_command_daily():
    """By the user of the service, in its directory."""
    *_mailto, line = SCHEDULES["text"].splitlines()
    minute, hour, *days, user, command = line.split(maxsplit=6)

    assert minute.isdigit() and hour.isdigit() and days == ["*"] * 3
    assert user == "latchkey"
    assert "manage.py clear_expired --json" in command
    # cron has no environment of its own.
    assert "DOTENV=" in command


@pytest.mark.parametrize(
    "file", ["compose.yaml", "deploy/systemd/latchkey-daily.service", "deploy/kubernetes/latchkey.yaml"]
)
def test_what_the_page_names_runs_the_command(file):
    """Their own tests say that they are valid."""
    assert re.search(r"manage(\.py)?,? clear_expired", (ROOT / file).read_text())


def test_the_output_of_the_page_has_the_form_of_json():
    """That a program reads."""
    (shown,) = [json.loads(block.text) for block in blocks(PAGE) if block.language == "json"]

    assert shown["deleted"].keys() == clear_expired.KINDS.keys()
    assert shown["failed"] == []


def test_no_command_is_a_file_without_a_class():
    """Django would list it and fail."""
    for name in OURS:
        assert Path(ROOT, "accounts/management/commands", f"{name}.py").read_text().count("class Command(") == 1

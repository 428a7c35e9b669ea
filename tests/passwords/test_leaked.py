"""Leaked passwords (S6): a file that `build_leaked_passwords` writes, which every new password is looked up in."""

import dataclasses
import hashlib
import io
import math
import os
import random
import subprocess
import sys
import unicodedata
from pathlib import Path
from unittest import mock

import pytest
from django.contrib.auth.management.commands import changepassword, createsuperuser
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.passwords import leaked_file
from accounts.passwords.checks import leaked_passwords_can_be_read
from accounts.passwords.leaked import HEADER, PREFIX, LeakedPasswords, leaked_passwords, prefix_of
from accounts.passwords.validators import LeakedPasswordValidator
from accounts.people.models import Account
from tests.api import CHANGE_PASSWORD, PASSWORD, REGISTER, codes, refusals
from tests.factories import make_account
from tests.live import ROOT, fresh_database, serving

LEAKED = "plumtree window under the sea"
"""Nothing else is wrong with it."""
ADA = {"email": "ada@example.com", "username": "ada", "firstName": "Ada"}


def line_of(password: str, count: int | None = 7) -> str:
    """A line of Have I Been Pwned."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    return digest if count is None else f"{digest}:{count}"


@pytest.fixture
def build(tmp_path):
    """Write a file from the text of each list: `build(text, …, min_count=…)`."""

    def write(*lists: str | bytes, **options: int) -> Path:
        sources = []
        for number, text in enumerate(lists):
            source = tmp_path / f"list{number}.txt"
            source.write_bytes(text.encode() if isinstance(text, str) else text)
            sources.append(str(source))
        output = tmp_path / "leaked-passwords"
        call_command("build_leaked_passwords", *sources, output=output, stdout=io.StringIO(), **options)
        return output

    return write


@pytest.fixture
def known(settings, build):
    """The service knows one leaked password, and some others."""
    output = build(f"{line_of(LEAKED)}\r\n{line_of('anything else')}\r\n", "a word\nanother word\n")

    def use(path: Path | str = output) -> None:
        settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, leaked_passwords=str(path))
        leaked_passwords.cache_clear()

    use()
    yield use
    leaked_passwords.cache_clear()


def test_a_leaked_password_does_not_register(graphql, known):
    """S6: however good it looks."""
    payload = graphql(REGISTER, input={**ADA, "password": LEAKED}).data["register"]

    assert refusals(payload) == [("PASSWORD_TOO_COMMON", ["password"])]
    assert not Account.objects.exists()
    assert graphql(REGISTER, input={**ADA, "password": LEAKED + "!"}).data["register"]["errors"] == []


def test_nor_does_it_replace_another(graphql, signed_in, known):
    """S6: `changePassword`."""
    given = {"currentPassword": PASSWORD, "newPassword": LEAKED}
    payload = graphql(CHANGE_PASSWORD, token=signed_in.access_token, input=given).data["changePassword"]

    assert refusals(payload) == [("PASSWORD_TOO_COMMON", ["newPassword"])]
    assert Account.objects.get().check_password(PASSWORD)


def test_nor_can_it_be_set_in_the_administration(admin_browser, known, db):
    """S6: one's own, and somebody else's."""
    staff = make_account(is_staff=True, is_superuser=True)
    other = make_account()
    form = {"username": staff.email, "password": PASSWORD}
    assert admin_browser.post("/admin/login/?next=/admin/", form).status_code == 302

    new = {"new_password1": LEAKED, "new_password2": LEAKED, "old_password": PASSWORD}
    own = admin_browser.post(reverse("admin:password_change"), new)
    new = {"password1": LEAKED, "password2": LEAKED, "usable_password": "true"}
    others = admin_browser.post(reverse("admin:auth_user_password_change", args=[other.pk]), new)

    for answer in (own, others):
        assert answer.status_code == 200
        assert "has leaked from another service" in answer.content.decode()
    for account in (staff, other):
        account.refresh_from_db()
        assert account.check_password(PASSWORD)


def test_nor_by_command(known, account):
    """S6: `changepassword` and `createsuperuser` ask again; the second one takes it if told to."""
    with (
        mock.patch.object(changepassword.getpass, "getpass", return_value=LEAKED),
        pytest.raises(CommandError, match="3 attempts"),
    ):
        call_command("changepassword", account.email, stdout=io.StringIO(), stderr=io.StringIO())

    told = io.StringIO()
    given = {"email": "root@example.com", "username": "root", "first_name": "Root"}
    with (
        mock.patch.object(createsuperuser.getpass, "getpass", side_effect=[LEAKED, LEAKED, PASSWORD, PASSWORD]),
        mock.patch("builtins.input", return_value="n"),
    ):
        # It asks only where there is a terminal.
        call_command("createsuperuser", **given, stdin=mock.Mock(isatty=lambda: True), stdout=told, stderr=told)

    account.refresh_from_db()
    assert account.check_password(PASSWORD)
    assert "has leaked from another service" in told.getvalue()
    assert Account.objects.get(email="root@example.com").check_password(PASSWORD)


DECOMPOSED = unicodedata.normalize("NFD", "Straße nach Köln, Café")


@pytest.mark.parametrize("listed", [unicodedata.normalize("NFC", DECOMPOSED), DECOMPOSED])
@pytest.mark.parametrize("typed", [unicodedata.normalize("NFC", DECOMPOSED), DECOMPOSED])
def test_every_form_of_a_leaked_word_is_found(build, listed, typed):
    """S83: as it was typed, and as it is hashed. Of a digest, what it was made of is not known."""
    assert LeakedPasswords(str(build(listed))).has(typed)
    assert LeakedPasswords(str(build(line_of(typed)))).has(typed)


def test_a_list_may_have_any_form(build):
    """With counts and without, in either case, words in old encodings, ends of line of every system, and blanks."""
    leaked = LeakedPasswords(
        str(
            build(
                f"{line_of('counted')}\r\n{line_of('not counted', None).lower()}\n\n",
                b"first\r\n two blanks \nespa\xf1ol\nlast:1",
            )
        )
    )

    for word in ("counted", "not counted", "first", " two blanks ", "español", "last:1"):
        assert leaked.has(word), word
    for word in ("two blanks", "last", "", line_of("counted")):
        assert not leaked.has(word), word
    assert len(leaked) == 6


def test_seldom_ones_can_be_left_out(build):
    """A count is at least so much; what has none stays."""
    leaked = LeakedPasswords(
        str(build("\n".join([line_of("once", 1), line_of("often", 10), line_of("x", None), "word"]), min_count=10))
    )

    assert [leaked.has(word) for word in ("once", "often", "x", "word")] == [False, True, True, True]


@pytest.mark.parametrize("line", ["A" * 32 + ":3", "0" * 35 + ":3"])
def test_lists_of_other_hashes_are_refused(build, tmp_path, line):
    """NTLM, or the files by range: each line would count as a word, and no password would be found."""
    with pytest.raises(CommandError, match="NTLM hashes or ranges"):
        build(line)

    assert not (tmp_path / "leaked-passwords").exists()


@pytest.mark.parametrize("lists", [[""], ["\n\n"], [line_of("seldom", 1)]])
def test_an_empty_list_is_refused(build, lists):
    """It would be no protection, and look like one."""
    with pytest.raises(CommandError, match="hold no password"):
        build(*lists, min_count=2)


def test_a_failure_leaves_the_file_that_was_there(build, tmp_path):
    """It is replaced when the new one is complete; nothing else remains."""
    output = build("first")
    before = output.read_bytes()

    with pytest.raises(CommandError):
        build("second\n" + "A" * 32 + ":3")
    with pytest.raises(CommandError):
        call_command("build_leaked_passwords", str(tmp_path / "missing"), output=output, stdout=io.StringIO())

    assert output.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"list0.txt", "leaked-passwords"}


@pytest.mark.parametrize("at_once", [2, 64])
@pytest.mark.parametrize("order", ["sorted", "shuffled", "reversed"])
def test_lists_may_be_larger_than_memory(build, monkeypatch, at_once, order):
    """They are sorted on disk, each password once, whatever their order."""
    monkeypatch.setattr(leaked_file, "IN_MEMORY", 7)
    monkeypatch.setattr(leaked_file, "MERGED_AT_ONCE", at_once)
    words = [f"word {number}" for number in range(100)] * 2
    lines = sorted(line_of(word) for word in words)
    if order == "shuffled":
        random.Random(1).shuffle(lines)  # noqa: S311 - no secret
    if order == "reversed":
        lines.reverse()

    output = build("\n".join(lines))

    leaked = LeakedPasswords(str(output))
    assert list(leaked) == sorted({prefix_of(word) for word in words})
    assert output.stat().st_size == HEADER.size + PREFIX * 100


def test_a_look_up_reads_few_places(build):
    """Its cost grows with the logarithm of the list: 30 places for a thousand million passwords."""
    leaked = LeakedPasswords(str(build("\n".join(f"word {number}" for number in range(5000)))))
    read, look = [], LeakedPasswords.__getitem__
    with mock.patch.object(LeakedPasswords, "__getitem__", lambda self, n: read.append(n) or look(self, n)):
        assert leaked.has("word 1234")

    assert len(read) <= math.log2(5000) + 2


def test_an_overlong_password_is_not_looked_up(known):
    """S80: normalizing it would take the square of its length, and another validator refuses it."""
    with mock.patch.object(LeakedPasswords, "has", side_effect=AssertionError):
        LeakedPasswordValidator().validate("\u0301\u0316" * 30_000)


BROKEN = {
    "missing": None,
    "a directory": "directory",
    "empty": b"",
    "another file": b"password\n123456\n" * 9,
    "truncated": lambda good: good[:-1],
    "longer": lambda good: good + b"x",
    "without its header": lambda good: good[HEADER.size :],
    "of no password": lambda good: good[: HEADER.size - 8] + bytes(8),
    "not sorted": lambda good: good[: HEADER.size] + good[HEADER.size :][::-1],
}


@pytest.fixture(params=BROKEN)
def broken(request, build, tmp_path) -> Path:
    """A path at which there is no good file."""
    kind, path = BROKEN[request.param], tmp_path / "broken"
    good = build("\n".join(f"word {number}" for number in range(50))).read_bytes()
    if kind == "directory":
        path.mkdir()
    elif kind is not None:
        path.write_bytes(kind(good) if callable(kind) else kind)
    return path


def test_a_broken_file_is_an_error_at_the_start(known, broken):
    """accounts.E004 names the variable and the file."""
    assert leaked_passwords_can_be_read() == []

    known(broken)

    [error] = leaked_passwords_can_be_read()
    assert error.id == "accounts.E004"
    assert "LEAKED_PASSWORDS" in error.msg
    assert str(broken) in error.msg


def test_a_file_that_is_lost_later_stops_nobody(graphql, known, broken, caplog):
    """One line in the log for each password that was not looked up, and no 500."""
    known(broken)

    assert graphql(REGISTER, input={**ADA, "password": LEAKED}).data["register"]["errors"] == []

    assert "LEAKED_PASSWORDS cannot be read" in caplog.text
    assert LEAKED not in caplog.text


def test_without_a_file_nothing_is_looked_up(graphql, settings):
    """Off unless it is set."""
    assert settings.LATCHKEY.leaked_passwords == ""
    assert leaked_passwords_can_be_read() == []
    assert graphql(REGISTER, input={**ADA, "password": LEAKED}).data["register"]["errors"] == []


def test_a_real_server_looks_them_up(build, tmp_path):
    """S6: over HTTP, with the file that a command wrote from its standard input."""
    output = tmp_path / "leaked"
    command = [sys.executable, "manage.py", "build_leaked_passwords", "-", "--output", str(output)]
    with serving(tmp_path, LEAKED_PASSWORDS=str(build("a word"))) as live:
        answer = subprocess.run(
            command, cwd=ROOT, env=live.environment, check=True, capture_output=True, input=line_of(LEAKED).encode()
        )
        assert answer.stdout.decode() == f"1 passwords in {output}.\n"
    with serving(tmp_path, LEAKED_PASSWORDS=str(output)) as live:
        refused = live.post(REGISTER, input={**ADA, "password": LEAKED})[1]["data"]["register"]
        accepted = live.post(REGISTER, input={**ADA, "password": PASSWORD})[1]["data"]["register"]

    assert codes(refused) == ["PASSWORD_TOO_COMMON"]
    assert accepted["errors"] == []


def test_a_server_does_not_start_without_its_file(tmp_path):
    """Else nobody would notice that passwords are not looked up."""
    with fresh_database(tmp_path) as database:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
            "DATABASE_URL": database,
            "LEAKED_PASSWORDS": str(tmp_path / "missing"),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "project.serve"], cwd=ROOT, env=environment, check=False, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip

    assert ended.returncode == 1
    assert "accounts.E004" in ended.stderr
    assert "Traceback" not in ended.stderr

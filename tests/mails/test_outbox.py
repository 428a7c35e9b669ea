"""The outbox of development: files, a line in the terminal, and pages; nothing of it in production."""

import email
import subprocess
import sys
from email.policy import default as modern
from pathlib import Path

import pytest

from accounts.mails import codes
from accounts.mails.delivery import send_due
from accounts.mails.templates import Template
from project import outbox
from tests.documents import ROOT
from tests.mails.conftest import make_mail
from tests.project.test_settings import PRODUCTION


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    """Where the mails go."""
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "project.outbox.OutboxBackend", str(tmp_path / "outbox")
    return tmp_path / "outbox"


@pytest.fixture
def sent(queued):
    """A mail that was sent."""
    mail = queued(Template.RESET_PASSWORD)
    send_due()
    return mail


def test_a_mail_becomes_a_file(sent, folder):
    """Complete, and readable by its owner only."""
    [path] = folder.iterdir()

    message = email.message_from_bytes(path.read_bytes(), policy=modern)
    assert message["To"] == sent.email
    assert folder.stat().st_mode & 0o077 == 0


def test_a_mail_is_printed_in_short(queued, capsys):
    """What a developer needs to go on: nothing else."""
    mail = queued(Template.RESET_PASSWORD)

    send_due()

    printed = [line for line in capsys.readouterr().out.split("\n") if line]
    assert printed == [
        f"  Mail to {mail.email}: Choose a new password",
        f"    http://localhost:8000/reset-password#token={codes.link_token(mail.code)}",
        f"    {codes.typed_code(mail.code)}",
    ]


def test_the_newest_mails_are_kept(account, folder, monkeypatch):
    """A test suite of a front end does not fill the disk."""
    monkeypatch.setattr(outbox, "KEPT", 3)
    for _ in range(5):
        make_mail(Template.SIGN_IN, account)
    send_due()

    assert len(list(folder.iterdir())) == 3


def test_the_page_lists_and_shows_them(sent, client):
    """The newest first; the text with its links, the HTML in a frame."""
    page = client.get("/dev/outbox")

    body = page.content.decode()
    assert sent.email in body
    assert f"reset-password#token={codes.link_token(sent.code)}" in body
    assert "<iframe" in body
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in body
    assert "no-store" in page.headers["Cache-Control"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_the_html_of_a_mail_can_do_nothing(sent, client, folder):
    """No script, no form, no access to this origin, and no frame elsewhere."""
    [path] = folder.iterdir()

    page = client.get(f"/dev/outbox/{path.stem}.html")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert codes.typed_code(sent.code) in page.content.decode()


@pytest.mark.parametrize("key", ["nothing", "..", "20260101T000000000000-0", "nothing.html", "..%2F..%2F.env"])
def test_no_other_file_is_shown(sent, client, key):
    """The key is compared with the names in the folder; it is no path."""
    assert client.get(f"/dev/outbox/{key}").status_code == 404


def test_a_mail_that_another_process_deletes_meanwhile_is_left_out(sent, client, folder, monkeypatch):
    """Several servers may share the folder, and each deletes old mails."""
    [path] = folder.iterdir()
    monkeypatch.setattr(outbox, "_files", lambda: [folder / "gone.eml", path])

    assert sent.email in client.get("/dev/outbox").content.decode()
    assert client.get("/dev/outbox/gone.html").status_code == 404


def test_an_empty_outbox_says_so(client, db):
    """Before the first mail there is no folder."""
    assert "No mails yet." in client.get("/dev/outbox").content.decode()


def test_production_has_no_such_page():
    """Whatever the environment says."""
    code = "import django; django.setup(); from django.urls import resolve; resolve('/dev/outbox')"
    environment = {**PRODUCTION, "DJANGO_SETTINGS_MODULE": "project.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert "Resolver404" in done.stderr

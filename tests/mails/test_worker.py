"""Real processes that send mails: killed in the middle, two at once, and beside requests while a mail server hangs."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from accounts.mails import delivery, queue
from accounts.mails.models import Mail
from accounts.mails.worker import INTERVAL, Worker
from tests.api import REGISTER
from tests.live import ROOT, Live, environment_of_service, fresh_database, serving
from tests.mails.servers import receiving, silent
from tests.tools import await_that

QUEUE = """
from datetime import timedelta
from django.utils import timezone
from accounts.mails.models import Mail, MailedCode
from accounts.people.models import Account
account, _ = Account.objects.get_or_create(email="ada@example.com", username="ada", first_name="Ada")
for _ in range({count}):
    code = MailedCode.objects.create(
        purpose="reset", email=account.email, account=account, expires_at=timezone.now() + timedelta(minutes=30)
    )
    Mail.objects.create(template="reset_password", email=account.email, account=account, locale="en", code=code)
"""
LET_CLAIMS_RUN_OUT = "UPDATE accounts_mail SET claimed_until = due_at"
ONCE_ALREADY = "sent you this mail once already"


def execute(live: Live, statement: str) -> list[tuple[Any, ...]]:
    """The rows that a statement returns, past Django, whose start would take seconds."""
    url = live.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as connection:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def rows(live: Live) -> list[tuple[int, bool, str]]:
    """What is queued: attempts, maybe_sent and error."""
    found = execute(live, "SELECT attempts, maybe_sent, error FROM accounts_mail")
    return [(attempts, bool(maybe_sent), error) for attempts, maybe_sent, error in found]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Live]:
    """A service that nobody serves: a database with its environment."""
    with fresh_database(tmp_path, migrated=True) as database:
        environment = environment_of_service(DATABASE_URL=database, CACHE_URL="locmemcache://")
        yield Live("", environment, tmp_path / "log", 0)


@contextlib.contextmanager
def worker(live: Live, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py send_queued_mail --forever`."""
    command = [sys.executable, "manage.py", "send_queued_mail", "--forever"]
    environment = {**live.environment, "EMAIL_URL": url}
    with live.log.open("ab") as log, subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log) as process:
        try:
            yield process
        finally:
            process.kill()


def once(live: Live, url: str) -> str:
    """`manage.py send_queued_mail`."""
    return Live(live.url, {**live.environment, "EMAIL_URL": url}, live.log, 0).manage("send_queued_mail")


@pytest.mark.parametrize("after_data", [False, True], ids=["before the mail server had it", "after it had it"])
def test_a_worker_that_is_killed_loses_nothing_and_repeats_nothing_silently(site, after_data):
    """By kill -9, between commit and send, and between send and DELETE."""
    site.manage("shell", "-c", QUEUE.format(count=1))
    with silent(after_data=after_data) as (port, reached), worker(site, f"smtp://127.0.0.1:{port}") as process:
        assert reached.wait(20)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert rows(site) == [(1, False, "")]

    with receiving() as mailbox:
        assert once(site, mailbox.url) == "0 due\n"
        execute(site, LET_CLAIMS_RUN_OUT)
        assert once(site, mailbox.url) == "1 sent\n"
        assert once(site, mailbox.url) == "0 due\n"

    [message] = mailbox.messages
    assert ONCE_ALREADY in message.get_body().get_content()
    assert rows(site) == []


def test_workers_at_once_send_each_mail_once(site):
    """The claim is an UPDATE that one of them wins."""
    site.manage("shell", "-c", QUEUE.format(count=12))
    with receiving() as mailbox, contextlib.ExitStack() as workers:
        for _ in range(3):
            workers.enter_context(worker(site, mailbox.url))
        await_that(lambda: len(mailbox.messages) >= 12)
        await_that(lambda: not rows(site))

    identifiers = [message["Message-ID"] for message in mailbox.messages]
    assert len(identifiers) == len(set(identifiers)) == 12


def test_a_worker_ends_when_it_is_told_to(site):
    """After the mail under way, of which there is none."""
    with receiving() as mailbox, worker(site, mailbox.url) as process:
        site.manage("shell", "-c", QUEUE.format(count=1))
        assert mailbox.received.wait(20)
        await_that(lambda: not rows(site))
        process.terminate()
        assert process.wait(5) == 0


def test_a_mail_server_that_hangs_slows_no_request(tmp_path):
    """S92: no thread of requests and no transaction waits for it; the mails stay queued."""
    with silent() as (port, reached), serving(tmp_path, EMAIL_URL=f"smtp://127.0.0.1:{port}") as live:
        live.manage("shell", "-c", QUEUE.format(count=3))
        assert reached.wait(20)

        begun = time.monotonic()
        fields = {"email": "grace@example.com", "username": "grace", "firstName": "Grace"}
        status, body = live.post(REGISTER, input={**fields, "password": "correct horse battery staple"})
        answers = [live.post("{ __typename }")[0] for _ in range(20)]
        took = time.monotonic() - begun

        assert (status, body["data"]["register"]["errors"]) == (200, [])
        assert (answers, took < 5) == ([200] * 20, True)
        assert len(rows(live)) >= 3


def test_a_server_process_sends_and_stops_within_seconds(tmp_path):
    """`make run` and production: the worker comes with gunicorn, and goes with it."""
    with receiving() as mailbox, serving(tmp_path, EMAIL_URL=mailbox.url, WORKERS="1") as live:
        live.manage("shell", "-c", QUEUE.format(count=2))
        await_that(lambda: len(mailbox.messages) == 2)
        os.kill(live.pid, signal.SIGTERM)
        await_that(lambda: "Shutting down: Master" in live.log.read_text())
        assert "SIGKILL" not in live.log.read_text()


def test_mail_worker_false_leaves_the_queue_alone(tmp_path):
    """For a process of its own."""
    with receiving() as mailbox, serving(tmp_path, EMAIL_URL=mailbox.url, MAIL_WORKER="false") as live:
        live.manage("shell", "-c", QUEUE.format(count=1))
        assert not mailbox.received.wait(INTERVAL + 1)
        assert len(rows(live)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_thread_is_woken_and_survives_what_fails(monkeypatch):
    """A database that is away, as it shows: by any exception."""
    seen: list[str] = []

    def send_due(**_options: Any) -> None:
        seen.append("called")
        if len(seen) == 1:
            raise RuntimeError("hush")

    monkeypatch.setattr(delivery, "send_due", send_due)
    thread = Worker()
    thread.start()
    await_that(lambda: len(seen) == 1)
    queue.wake.set()
    await_that(lambda: len(seen) == 2)
    thread.stop(timeout=5)

    assert not thread._thread.is_alive()
    assert not Mail.objects.exists()

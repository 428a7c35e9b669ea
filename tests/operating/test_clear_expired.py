"""`clear_expired` deletes every kind of row that expires, beside itself and beside the service."""

import io
import json
import os
import re
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session as AdminSession
from django.core.management import call_command
from django.db import OperationalError, connection, models, transaction
from django.utils import timezone
from oauth2_provider import models as dot

from accounts.challenges.models import Challenge
from accounts.factors.models import FactorReset, RememberedBrowser
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.management.commands import clear_expired
from accounts.people.models import Account
from accounts.shared import sweeping
from accounts.shared.models import SpentCredential
from accounts.tokens.models import Client, Session
from accounts.verification.models import PendingRegistration
from tests.documents import ROOT
from tests.factories import make_account, make_client
from tests.live import environment_of_service

LONG_AGO = timedelta(days=500)
"""Longer than anything is kept."""
OVER = re.compile(r"effective|expire|expiry|_until$|^due|_due_|dead|retention|valid")
"""Names of columns that say when a row is over."""
KEPT = {
    "accounts.Client": "an application; `cimd_expires_at` is of a cache that this service does not use",
}
"""Models with such a column whose rows are not deleted for it, and why."""
OVER_WITHOUT_A_COLUMN = {"accounts.SecurityEvent", "oauth2_provider.RefreshToken"}
"""What ends by its age, or with another row."""


class Dead:
    """Rows that have been over for long, many at once, all of one account and one client."""

    def __init__(self) -> None:
        self.at = timezone.now() - LONG_AGO
        self.account, (self.client, _secret) = make_account(), make_client()

    def accounts(self, number: int) -> None:
        """Whose grace period is over."""
        for _ in range(number):
            Account.objects.filter(pk=make_account(password=None).pk).update(is_active=False)
        Account.objects.filter(is_active=False).update(deletion_due_at=self.at)

    def challenges(self, number: int) -> None:
        """Expired."""
        Challenge.objects.bulk_create(
            Challenge(digest=uuid.uuid4().hex, kind="x", client=self.client, data={}, expires_at=self.at)
            for _ in range(number)
        )

    def registrations(self, number: int) -> None:
        """Expired, each with a code and its mail."""
        made = PendingRegistration.objects.bulk_create(
            PendingRegistration(email="a@example.com", username="a", first_name="A", expires_at=self.at)
            for _ in range(number)
        )
        self.codes(number, registrations=made)

    def resets(self, number: int) -> None:
        """Due, each of an account of its own."""
        for _ in range(number):
            FactorReset.objects.create(account=make_account(password=None), reason="lost", effective_at=self.at)

    def codes(self, number: int, registrations: list[PendingRegistration] | None = None) -> None:
        """Expired, each with a mail that waits."""
        made = MailedCode.objects.bulk_create(
            MailedCode(
                purpose=Purpose.VERIFY,
                email="a@example.com",
                registration=registrations[place] if registrations else None,
                expires_at=self.at,
            )
            for place in range(number)
        )
        Mail.objects.bulk_create(Mail(template="nothing", email="a@example.com", code=code) for code in made)

    def letters(self, number: int) -> None:
        """Given up."""
        Mail.objects.bulk_create(
            Mail(template="nothing", email="a@example.com", dead_at=self.at) for _ in range(number)
        )

    def values(self, number: int) -> None:
        """Expired."""
        SpentCredential.objects.bulk_create(
            SpentCredential(digest=uuid.uuid4().hex, expires_at=self.at) for _ in range(number)
        )

    def admin_sessions(self, number: int) -> None:
        """Expired."""
        AdminSession.objects.bulk_create(
            AdminSession(session_key=uuid.uuid4().hex, session_data="", expire_date=self.at) for _ in range(number)
        )

    def browsers(self, number: int) -> None:
        """Remembered for long enough."""
        RememberedBrowser.objects.bulk_create(
            RememberedBrowser(digest=uuid.uuid4().hex, account=self.account, expires_at=self.at) for _ in range(number)
        )

    def events(self, number: int) -> None:
        """Older than the retention."""
        SecurityEvent.objects.bulk_create(SecurityEvent(type="x", created_at=self.at) for _ in range(number))

    def tokens(self, number: int) -> None:
        """Pairs, traded refresh tokens, ID tokens, codes and sessions that are over."""
        owner: dict[str, Any] = {"user": self.account, "application": self.client}
        access = dot.AccessToken.objects.bulk_create(
            dot.AccessToken(**owner, token_checksum=uuid.uuid4().hex, expires=self.at) for _ in range(number)
        )
        dot.RefreshToken.objects.bulk_create(
            dot.RefreshToken(**owner, token_checksum=uuid.uuid4().hex, token_family=uuid.uuid4(), **state)
            for token in access
            for state in ({"access_token": token}, {"revoked": self.at})
        )
        dot.IDToken.objects.bulk_create(dot.IDToken(**owner, expires=self.at) for _ in range(number))
        dot.Grant.objects.bulk_create(dot.Grant(**owner, code=uuid.uuid4().hex, expires=self.at) for _ in range(number))
        dot.DeviceGrant.objects.bulk_create(
            dot.DeviceGrant(device_code=uuid.uuid4().hex, user_code=uuid.uuid4().hex, expires=self.at)
            for _ in range(number)
        )
        Session.objects.bulk_create(
            Session(token_family=uuid.uuid4(), account=self.account, client=self.client, expires_at=self.at)
            for _ in range(number)
        )

    def everything(self, number: int) -> None:
        """Of each kind; accounts are few, since each takes a transaction of its own; so are resets."""
        for make in (
            self.challenges,
            self.browsers,
            self.registrations,
            self.codes,
            self.letters,
            self.values,
            self.admin_sessions,
            self.events,
            self.tokens,
        ):
            make(number)
        # After the accounts: those of resets stay.
        self.accounts(min(number, 20))
        self.resets(min(number, 20))


CLEARED = [
    Challenge,
    RememberedBrowser,
    PendingRegistration,
    MailedCode,
    Mail,
    SpentCredential,
    AdminSession,
    SecurityEvent,
    dot.AccessToken,
    dot.RefreshToken,
    dot.IDToken,
    dot.Grant,
    dot.DeviceGrant,
    Session,
    Account,
    FactorReset,
]
"""What `Dead.everything` makes, and the command deletes."""


def left() -> dict[str, int]:
    """How many rows of each model are dead and still there."""
    rows: dict[type[models.Model], Any] = {model: model._base_manager.all() for model in CLEARED}
    rows[Account] = Account.objects.filter(is_active=False)
    # The deletions of accounts are recorded now.
    rows[SecurityEvent] = SecurityEvent.objects.filter(created_at__lt=timezone.now() - timedelta(days=365))
    return {model._meta.label: found.count() for model, found in rows.items()}


def run(**options: Any) -> dict[str, Any]:
    """What it prints with --json."""
    printed = io.StringIO()
    call_command("clear_expired", json=True, stdout=printed, **options)
    return json.loads(printed.getvalue())


def expiring(found: list[type[models.Model]]) -> set[str]:
    """The models with a column that says when a row is over."""
    return {
        model._meta.label for model in found if any(OVER.search(column.name) for column in model._meta.concrete_fields)
    }


def test_every_model_that_expires_is_cleared_or_has_a_reason():
    """A new one has to be thought about; what has no such column is named."""
    found = expiring(apps.get_models(include_auto_created=True)) | OVER_WITHOUT_A_COLUMN

    assert found == {model._meta.label for model in CLEARED} | KEPT.keys()


def test_the_walk_notices_a_new_model():
    """By its column."""
    from django.test.utils import isolate_apps

    with isolate_apps("tests"):

        class Passkey(models.Model):  # noqa: DJ008
            expires_at = models.DateTimeField()

            class Meta:
                app_label = "tests"

    assert expiring([Passkey, Client]) == {"tests.Passkey", "accounts.Client"}


@pytest.mark.django_db
def test_it_deletes_all_that_is_over_and_nothing_else(monkeypatch, signed_in):
    """Of every kind, in small slices too."""
    monkeypatch.setattr(sweeping, "SLICE", 2)
    before = left()
    Dead().everything(5)
    assert all(number >= 5 for number in left().values()), left()

    printed = run()

    assert printed["failed"] == []
    assert min(printed["deleted"].values()) >= 5
    assert left() == before


@pytest.mark.django_db
def test_the_numbers_are_those_of_the_rows():
    """Of each kind; codes of registrations go with these."""
    Dead().everything(3)

    numbers = run()["deleted"]

    assert numbers == {**dict.fromkeys(clear_expired.KINDS, 3), "access tokens": 3, "refresh tokens": 3}


@pytest.mark.django_db
def test_a_second_run_finds_nothing():
    """Safe to repeat."""
    Dead().everything(2)
    run()

    assert set(run()["deleted"].values()) == {0}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", clear_expired.KINDS)
def test_a_kind_that_fails_stops_no_other(monkeypatch, caplog, kind):
    """It is named, the exit code is not 0, and the text of the failure, which may hold values, is in no log."""
    monkeypatch.setitem(clear_expired.KINDS, kind, refuse)
    Dead().everything(1)
    printed = io.StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("clear_expired", json=True, stdout=printed, stderr=(failed := io.StringIO()))

    assert end.value.code == 1
    assert kind in json.loads(failed.getvalue())["errors"][0]["message"]
    found = json.loads(printed.getvalue())
    assert found["failed"] == [kind]
    # A failed kind of tokens may keep rows of another.
    assert sum(number > 0 for number in found["deleted"].values()) >= len(clear_expired.KINDS) - 3
    assert "hunter2" not in caplog.text


def refuse() -> int:
    """A database that does."""
    raise OperationalError("value hunter2 of a row")


@pytest.mark.django_db
def test_accounts_that_cannot_be_deleted_are_a_failure_beside_those_that_were(monkeypatch):
    """Their number is not lost."""
    dead = Dead()
    dead.accounts(2)
    erase = clear_expired.grace.erase
    kept = Account.objects.filter(is_active=False).first()
    monkeypatch.setattr(clear_expired.grace, "erase", lambda account: refuse() if account == kept else erase(account))
    printed = io.StringIO()

    with pytest.raises(SystemExit):
        call_command("clear_expired", json=True, stdout=printed, stderr=io.StringIO())

    assert json.loads(printed.getvalue())["deleted"]["accounts"] == 1


@pytest.mark.django_db
def test_without_json_it_prints_a_line_for_each_kind(capsys):
    """For people."""
    Dead().values(2)

    call_command("clear_expired")

    lines = capsys.readouterr().out.splitlines()
    assert "2 single-use values deleted." in lines
    assert len(lines) == len(clear_expired.KINDS)


POSTGRESQL = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite locks the whole database")


@POSTGRESQL
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [Mail, MailedCode, PendingRegistration, Challenge, Account])
def test_rows_that_somebody_holds_are_left_for_the_next_run(held):
    """It never waits, so it is part of no deadlock; what belongs together stays or goes together."""
    Dead().everything(2)

    def clear() -> None:
        try:
            run()
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool, transaction.atomic():
        list(held._base_manager.select_for_update().order_by("pk").values("pk"))
        pool.submit(clear).result(timeout=30)
    assert left()[held._meta.label] >= 2

    run()
    assert left() == dict.fromkeys(left(), 0)


@POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_the_next_kind_has_a_connection_that_works(monkeypatch):
    """After one whose connection the database has cut."""
    Dead().everything(1)
    monkeypatch.setitem(clear_expired.KINDS, "challenges", cut)
    printed = io.StringIO()

    with pytest.raises(SystemExit):
        call_command("clear_expired", json=True, stdout=printed, stderr=io.StringIO())

    assert json.loads(printed.getvalue())["failed"] == ["challenges"]
    assert {label for label, number in left().items() if number} == {"accounts.Challenge"}


def cut() -> int:
    """The database ends the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return 0


@POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_share_thousands_of_rows():
    """No error, no deadlock, all gone, and each row counted once."""
    number = 2500
    Dead().everything(number)
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"
    environment = environment_of_service(DATABASE_URL=url)
    command = [sys.executable, "-W", "ignore", "manage.py", "clear_expired", "--json"]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    results = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], results
    one, other = (json.loads(printed)["deleted"] for printed, _errors in results)
    assert left() == dict.fromkeys(left(), 0)
    total = {kind: one[kind] + other[kind] for kind in one}
    few = {"accounts": 20, "resets of second factors": 20, "access tokens": number, "refresh tokens": number}
    assert total == {**dict.fromkeys(clear_expired.KINDS, number), **few}

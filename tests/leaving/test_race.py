"""What meets a deletion under way waits for it, and is answered as if it had come later (S21)."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts.leaving.deletion import erase
from accounts.leaving.disowning import disown_registration
from accounts.login_codes.asking import request_login_code
from accounts.mails import codes
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import Purpose
from accounts.passwords.reset import request_password_reset
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.verification.models import PendingRegistration
from tests.factories import make_account
from tests.mails import queued

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer"),
    pytest.mark.django_db(transaction=True),
]
EMAIL = "ada@example.com"


@pytest.fixture
def begin() -> Any:
    """Begin a call in another thread, and wait until a lock holds it up."""
    with ThreadPoolExecutor(1) as pool:

        def submit(call: Callable[..., Any], **given: Any) -> Future[Any]:
            future = pool.submit(closing, call, given)
            for _ in range(200):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_stat_clear_snapshot()")
                    cursor.execute(
                        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                    if cursor.fetchone():
                        return future
                time.sleep(0.02)
            raise AssertionError("It waits for nothing.")

        yield submit


def closing(call: Callable[..., Any], given: dict[str, Any]) -> Any:
    """The result; the thread's connection is closed."""
    try:
        return call(**given)
    finally:
        connection.close()


@pytest.mark.parametrize("ask", [request_password_reset, request_login_code])
def test_asking_for_a_mail_finds_no_account(begin, ask):
    """S11, S45: no 5xx for a code of an account that is gone."""
    call_command("ensure_client", verbosity=0)
    account = make_account(email=EMAIL, email_verified=True)

    with transaction.atomic():
        erase(Account.objects.select_for_update(no_key=True).get(pk=account.pk))
        asking = begin(ask, email=EMAIL, client_id=None, caller=Caller())

    assert asking.result(timeout=30).token
    assert queued(EMAIL) == ["unknown_address"]


def test_disowning_waits_for_the_confirmation(begin):
    """S8, S85: of the two uses of one link one succeeds, and there is no deadlock."""
    names = {"username": "eve", "first_name": "Eve", "password": "!", "locale": "en"}
    later = timezone.now() + timedelta(hours=1)
    registration = PendingRegistration.objects.create(email=EMAIL, expires_at=later, **names)
    code = codes.create(Purpose.VERIFY, email=EMAIL, lifetime=600, registration_key=registration.pk)

    with transaction.atomic():
        PendingRegistration.objects.select_for_update().get(pk=registration.pk)
        disowning = begin(disown_registration, token=codes.link_token(code), caller=Caller())
        codes.spend(code)
        registration.delete()

    with pytest.raises(ExpiredCode):
        disowning.result(timeout=30)

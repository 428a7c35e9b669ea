"""`end_all_sessions` signs everybody out, and does nothing unless it is confirmed."""

import io
import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from oauth2_provider.models import get_grant_model

from accounts.factors import remembering
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.shared import sweeping
from accounts.tokens.models import Session
from tests.api import ME, REFRESH, codes
from tests.factories import make_account, make_client

PASSWORD = "an administrators passphrase"

pytestmark = pytest.mark.django_db


def end(**options: bool) -> dict[str, int]:
    """What it prints."""
    printed = io.StringIO()
    call_command("end_all_sessions", "--json", "--actor=cron", stdout=printed, **options)
    return json.loads(printed.getvalue())


def test_everybody_is_signed_out(graphql, sign_in, monkeypatch):
    """S21: tokens of every account end, in slices of any size."""
    monkeypatch.setattr(sweeping, "SLICE", 2)
    everybody = [sign_in(make_account()) for _ in range(5)]

    assert end(yes=True) == {"accounts": 5}

    for person in everybody:
        assert graphql(ME, token=person.access_token).status == 401
        refused = graphql(REFRESH, input={"refreshToken": person.refresh_token}).data["refreshToken"]
        assert codes(refused) == ["INVALID_GRANT"]
    assert not Session.objects.exists()


def test_an_authorization_code_opens_nothing_any_more(account):
    """It would begin a session."""
    client, _secret = make_client()
    later = timezone.now() + timedelta(minutes=1)
    get_grant_model().objects.create(user=account, application=client, code="x", expires=later)

    assert end(yes=True) == {"accounts": 1}

    assert not get_grant_model().objects.exists()


def test_browsers_are_asked_for_a_second_factor_again(account, settings):
    """S57: also of those who have signed out: a database from a backup brings back browsers that were forgotten."""
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_remember_days=30)
    browser = remembering.remember(account, session=uuid.uuid4())
    assert remembering.is_remembered(browser.value, account)

    assert end(yes=True) == {"accounts": 1}

    assert not remembering.is_remembered(browser.value, account)


def test_the_administration_is_closed_too(admin_browser):
    """S82."""
    Account.objects.create_superuser("root@example.com", PASSWORD, username="root", first_name="Root")
    admin_browser.post("/admin/login/?next=/admin/", {"username": "root@example.com", "password": PASSWORD})
    assert admin_browser.get("/admin/").status_code == 200

    end(yes=True)

    assert admin_browser.get("/admin/").status_code == 302


def test_it_is_recorded(signed_in):
    """S58: for each account, with its cause and who did it."""
    end(yes=True)

    event = SecurityEvent.objects.get(type="session:end:all")
    assert (event.subject, event.cause) == (signed_in.account.pk, "by an operator, for all accounts")
    assert event.client == "program:cron"


def test_a_second_run_finds_nobody(signed_in):
    """Safe to repeat."""
    end(yes=True)

    assert end(yes=True) == {"accounts": 0}


def test_nothing_happens_without_a_confirmation(graphql, signed_in):
    """It says what it would do."""
    with pytest.raises(CommandError, match="--yes"):
        call_command("end_all_sessions")

    assert graphql(ME, token=signed_in.access_token).status == 200
    assert not SecurityEvent.objects.filter(type="session:end:all").exists()


def test_everybody_can_sign_in_again(sign_in, signed_in):
    """Nothing else of the account changes."""
    end(yes=True)

    assert sign_in(signed_in.account).access_token

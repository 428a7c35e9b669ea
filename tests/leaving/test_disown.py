"""`disownRegistration`: the mailbox's holder deletes what a stranger registered with its address (S85)."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.conf import rate_limits
from accounts.guard.models import SecurityEvent
from accounts.mails import codes as mailed
from accounts.mails.models import MailedCode, Purpose
from accounts.people.models import Account
from accounts.verification.models import PendingRegistration
from tests.api import ME, codes
from tests.factories import make_account
from tests.leaving.test_delete_account import found
from tests.mails import link_token
from tests.providers.stored import nothing_changes

DISOWN = "mutation ($input: MailedTokenInput!) { disownRegistration(input: $input) { errors { code field } } }"
EMAIL = "victim@example.com"


@pytest.fixture
def disown(graphql):
    """The payload, with the verification link of the address."""

    def send(token=None):
        given = {"token": link_token(EMAIL, Purpose.VERIFY) if token is None else token}
        return graphql(DISOWN, input=given).data["disownRegistration"]

    return send


@pytest.fixture
def registered(sign_in):
    """An account that somebody registered with the victim's address, and uses."""
    signed_in = sign_in(make_account(email=EMAIL))
    mailed.create(Purpose.VERIFY, email=EMAIL, lifetime=600, account=signed_in.account)
    return signed_in


@pytest.fixture
def pending(db):
    """A registration that waits for its confirmation."""
    names = {"username": "eve", "first_name": "Eve"}
    later = timezone.now() + timedelta(hours=1)
    row = PendingRegistration.objects.create(email=EMAIL, password="!", locale="en", expires_at=later, **names)
    mailed.create(Purpose.VERIFY, email=EMAIL, lifetime=600, registration_key=row.pk)
    return row


def test_a_pending_registration_is_deleted(disown, pending):
    """With its code."""
    assert disown() == {"errors": []}

    assert not PendingRegistration.objects.exists()
    assert not MailedCode.objects.exists()
    assert found([EMAIL]) == {}


def test_an_account_that_was_never_verified_is_deleted(disown, registered, graphql):
    """With its sessions; the address is free."""
    assert disown() == {"errors": []}

    assert not Account.objects.exists()
    assert found([EMAIL]) == {}
    assert graphql(ME, token=registered.access_token).status == 401


def test_it_is_recorded_without_address_and_agent(disown, registered):
    """S58: the id stays, and nothing about whoever has nothing to do with this service."""
    disown()

    recorded = SecurityEvent.objects.filter(type__in=["account:disown", "account:delete"])
    assert set(recorded.values_list("subject", "actor", "ip_address", "user_agent")) == {
        (registered.account.pk, None, None, "")
    }
    assert recorded.count() == 2


def test_an_account_that_was_verified_since_stays(disown, registered):
    """Whoever verified it is its holder."""
    Account.objects.update(email_verified=True)

    with nothing_changes():
        assert codes(disown()) == ["EXPIRED_CODE"]
    assert SecurityEvent.objects.filter(type="account:disown:failure").exists()


def test_an_account_with_another_address_by_now_stays(disown, registered):
    """The link says nothing about that mailbox."""
    Account.objects.update(email="other@example.com")

    with nothing_changes():
        assert codes(disown()) == ["EXPIRED_CODE"]


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_the_accounts_of_the_administration_stay(graphql, registered, flag):
    """As with `deleteAccount`: a mistyped address must not cost the only superuser."""
    Account.objects.update(**{flag: True})

    with nothing_changes():
        assert graphql(DISOWN, input={"token": link_token(EMAIL, Purpose.VERIFY)}).codes == ["FORBIDDEN"]


def test_a_disabled_account_stays(disown, registered):
    """S13: else whoever was shut out could register anew."""
    Account.objects.update(is_active=False)

    with nothing_changes():
        assert codes(disown()) == ["EXPIRED_CODE"]


def test_a_link_works_once(disown, pending):
    """S8."""
    token = link_token(EMAIL, Purpose.VERIFY)
    disown(token)

    with nothing_changes():
        assert codes(disown(token)) == ["EXPIRED_CODE"]


def test_an_old_link_deletes_nothing(disown, registered):
    """S8."""
    token = link_token(EMAIL, Purpose.VERIFY)

    with time_machine.travel(timezone.now() + timedelta(seconds=601)), nothing_changes():
        assert codes(disown(token)) == ["EXPIRED_CODE"]


def test_a_link_of_another_purpose_deletes_nothing(disown, registered):
    """Such as one for choosing a password."""
    reset = mailed.create(Purpose.RESET, email=EMAIL, lifetime=600, account=registered.account)

    with nothing_changes():
        assert codes(disown(mailed.link_token(reset))) == ["INVALID_CODE"]
        assert codes(disown("AAAA")) == ["INVALID_CODE"]


def test_it_is_limited(disown, pending, settings):
    """S56."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("code.global=1/1h"))
    disown("AAAA")

    with nothing_changes():
        assert codes(disown()) == ["RATE_LIMITED"]

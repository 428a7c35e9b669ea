"""The grace period: the account is closed at once, can come back, and is deleted when the period is over."""

import io
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.conf import rate_limits
from accounts.guard.models import SecurityEvent
from accounts.leaving import grace as grace_period
from accounts.mails import codes as mailed
from accounts.mails import notices
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.tokens.models import Client
from tests.addresses.conftest import UNDO
from tests.api import CONVERT, ME, REFRESH, REGISTER, TOKEN_AUTH, codes
from tests.factories import PASSWORD, make_account
from tests.leaving.test_admin_deletes import staff
from tests.leaving.test_delete_account import at_apple, delete, found
from tests.mails import link_token, newest_code, queued
from tests.passwords.mailed import secure
from tests.providers.registrations import APPLE_APP
from tests.providers.stored import nothing_changes
from tests.schema.test_nodes import global_id

__all__ = ["at_apple", "delete", "staff"]

CANCEL = """
mutation ($input: CancelAccountDeletionInput!) { cancelAccountDeletion(input: $input) { errors { code field } } }
"""
EMAIL, DAYS = "ada@example.com", 30


@pytest.fixture(autouse=True)
def grace(settings):
    """Thirty days."""
    settings.LATCHKEY = replace(settings.LATCHKEY, deletion_grace_days=DAYS)


@pytest.fixture
def ada(sign_in):
    """Somebody who has verified her address."""
    return sign_in(make_account(email=EMAIL, email_verified=True))


@pytest.fixture
def cancel(graphql):
    """The payload of coming back; by default with the link that was mailed."""

    def send(token=None):
        given = {"token": link_token(EMAIL, Purpose.CANCEL_DELETION) if token is None else token}
        return graphql(CANCEL, input=given).data["cancelAccountDeletion"]

    return send


def purge():
    """What the daily command prints."""
    out = io.StringIO()
    call_command("purge_accounts", stdout=out)
    return out.getvalue().strip()


# Closed


def test_the_account_is_closed_and_says_until_when(delete, ada):
    """And a link to come back is mailed, for as long."""
    due = datetime.fromisoformat(delete(ada)["scheduledFor"])

    account = Account.objects.get()
    assert (account.is_active, account.deletion_due_at) == (False, due)
    assert timedelta(days=DAYS) - (due - timezone.now()) < timedelta(minutes=1)
    assert queued(EMAIL) == ["deletion_scheduled"]
    assert Mail.objects.get().data == {"due": due.isoformat()}
    assert abs(newest_code(EMAIL, Purpose.CANCEL_DELETION).expires_at - due) < timedelta(seconds=1)


def test_everything_ends_at_once(delete, ada, graphql):
    """S21: sessions, the password, and what was mailed."""
    reset = mailed.create(Purpose.RESET, email=EMAIL, lifetime=600, account=ada.account)

    delete(ada)

    assert graphql(ME, token=ada.access_token).status == 401
    assert codes(graphql(REFRESH, input={"refreshToken": ada.refresh_token}).data["refreshToken"]) == ["INVALID_GRANT"]
    given = {"email": EMAIL, "password": PASSWORD}
    assert codes(graphql(TOKEN_AUTH, input=given).data["tokenAuth"]) == ["INVALID_CREDENTIALS"]
    reset.refresh_from_db()
    assert reset.used_at is not None


def test_a_provider_signs_nobody_in(delete, ada, graphql, providers):
    """S34: who shows the identity learns that the account is closed."""
    UserSocialAuth.objects.create(user=ada.account, provider="google-oauth2", uid="7", id_key="sub")
    delete(ada)

    credential = {"accessToken": providers.google_token(sub="7", email=EMAIL)}
    payload = graphql(CONVERT, input={"provider": "google", "credential": credential}).data["convertSocialToken"]
    assert codes(payload) == ["ACCOUNT_DISABLED"]


def test_nobody_sees_the_profile(delete, ada, graphql):
    """S48, S65: neither in the list nor by its id."""
    delete(ada)

    key = global_id("User", ada.account.pk)
    data = graphql(f'{{ users {{ nodes {{ id }} }} node(id: "{key}") {{ id }} }}').data
    assert data == {"users": {"nodes": []}, "node": None}


def test_the_address_stays_taken(delete, ada, graphql):
    """Otherwise nobody could come back."""
    delete(ada)

    given = {"email": EMAIL, "username": "other", "firstName": "O", "password": PASSWORD}
    assert codes(graphql(REGISTER, input=given).data["register"]) == ["EMAIL_TAKEN"]


def test_an_account_without_a_verified_address_goes_at_once(delete, signed_in):
    """S62: the mail might reach somebody else, who could open it."""
    payload = delete(signed_in)

    assert datetime.fromisoformat(payload["scheduledFor"]) <= timezone.now()
    assert not Account.objects.exists()
    assert not Mail.objects.exists()


def test_apple_is_told_when_the_account_closes(delete, at_apple, providers):
    """The App Store does not wait for thirty days."""
    Account.objects.update(email_verified=True)

    assert delete(at_apple, appleCode=providers["apple"].code(client=APPLE_APP))["errors"] == []

    assert providers["apple"].revoked
    assert Account.objects.get().deletion_due_at is not None


def test_it_is_recorded(delete, ada):
    """S58: who, and from where: the account is not gone yet."""
    SecurityEvent.objects.all().expire()
    delete(ada)

    recorded = SecurityEvent.objects.values_list("type", "subject", "actor", "ip_address")
    key = ada.account.pk
    assert sorted(recorded) == [
        ("account:delete:schedule", key, key, "127.0.0.1"),
        ("account:disable", key, key, "127.0.0.1"),
    ]


# Back


def test_the_link_opens_the_account_again(delete, ada, cancel, sign_in, graphql):
    """With its password; it signs nobody in."""
    delete(ada)

    assert cancel() == {"errors": []}

    assert graphql(ME, token=ada.access_token).status == 401
    account = Account.objects.get()
    assert (account.is_active, account.deletion_due_at) == (True, None)
    assert sign_in(account)
    recorded = SecurityEvent.objects.filter(actor=account.pk).values_list("type", flat=True)
    assert {"account:delete:cancel", "account:enable"} <= set(recorded)


def test_the_link_works_once(delete, ada, cancel, sign_in):
    """S8: not for the next deletion either."""
    delete(ada)
    token = link_token(EMAIL, Purpose.CANCEL_DELETION)
    cancel(token)
    delete(sign_in(ada.account))

    with nothing_changes():
        assert codes(cancel(token)) == ["EXPIRED_CODE"]
    assert cancel() == {"errors": []}


def test_the_link_expires_with_the_period(delete, ada, cancel):
    """Whether the command has run or not."""
    delete(ada)
    token = link_token(EMAIL, Purpose.CANCEL_DELETION)

    with time_machine.travel(timezone.now() + timedelta(days=DAYS, seconds=1)):
        with nothing_changes():
            assert codes(cancel(token)) == ["EXPIRED_CODE"]
        assert purge() == "1 accounts deleted."
        assert codes(cancel(token)) == ["EXPIRED_CODE"]


@pytest.mark.parametrize("token", ["", "AAAA", "é"])
def test_a_wrong_link_opens_nothing(delete, ada, cancel, token):
    """It is recorded."""
    delete(ada)

    with nothing_changes():
        assert codes(cancel(token)) == ["INVALID_CODE"]
    assert SecurityEvent.objects.filter(type="account:delete:cancel:failure").exists()


def test_coming_back_is_limited(delete, ada, cancel, settings):
    """S56."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("code.global=1/1h"))
    delete(ada)
    cancel("AAAA")

    with nothing_changes():
        assert codes(cancel()) == ["RATE_LIMITED"]


def test_who_had_the_address_before_can_come_back(ada, delete, graphql):
    """S12: a thief changes the address and leaves. The way back of the former address is open for its 7 days."""
    undo = mailed.create(Purpose.UNDO_EMAIL_CHANGE, email=EMAIL, lifetime=600, account=ada.account)
    Account.objects.update(email="thief@example.com")
    delete(ada)

    payload = graphql(UNDO, input={"token": mailed.link_token(undo)}).data["undoEmailChange"]

    account = Account.objects.get()
    assert (payload["errors"], account.email, account.is_active, account.deletion_due_at) == ([], EMAIL, True, None)
    assert not MailedCode.objects.filter(purpose=Purpose.CANCEL_DELETION, used_at=None).exists()


def test_the_link_of_a_notice_works_too(ada, delete, cancel, graphql):
    """S12: a thief changes the password and leaves, as often as the holder comes back."""
    notices.tell(ada.account, Template.PASSWORD_CHANGED)
    delete(ada)

    assert secure(graphql, link_token(EMAIL, Purpose.SECURE)) == {"errors": []}

    account = Account.objects.get()
    assert (account.is_active, account.deletion_due_at, account.has_usable_password()) == (True, None, False)
    assert SecurityEvent.objects.filter(type="account:delete:cancel", subject=account.pk).count() == 1
    assert queued(EMAIL)[-1] == "reset_password"
    assert codes(cancel()) == ["EXPIRED_CODE"]
    with time_machine.travel(timezone.now() + timedelta(days=DAYS + 1)):
        assert purge() == "0 accounts deleted."


# Staff


@pytest.mark.parametrize("disable", ["update", "action"])
def test_an_account_that_staff_disable_meanwhile_stays_disabled(delete, ada, cancel, admin_browser, staff, disable):
    """S13: neither opened by the link nor deleted by the command."""
    delete(ada)

    if disable == "update":
        Account.objects.filter(pk=ada.account.pk).update(is_active=False)
    else:
        form = {"action": "keep_closed", "_selected_action": [str(ada.account.pk)]}
        assert admin_browser.post(reverse("admin:accounts_account_changelist"), form).status_code == 302

    account = Account.objects.get(pk=ada.account.pk)
    assert (account.is_active, account.deletion_due_at) == (False, None)
    assert codes(cancel()) == ["EXPIRED_CODE"]
    assert SecurityEvent.objects.get(type="account:delete:cancel:failure").subject == ada.account.pk
    with time_machine.travel(timezone.now() + timedelta(days=DAYS + 1)):
        assert purge() == "0 accounts deleted."


@pytest.mark.parametrize("way", ["save", "update"])
def test_an_account_that_staff_open_is_not_deleted(delete, ada, way):
    """Its deletion is withdrawn."""
    delete(ada)
    account = Account.objects.get()

    if way == "save":
        account.is_active = True
        account.save()
    else:
        Account.objects.update(is_active=True)

    assert Account.objects.get().deletion_due_at is None


def test_staff_see_when_it_is_due(delete, ada, admin_browser, staff):
    """And cannot change it."""
    delete(ada)

    page = admin_browser.get(reverse("admin:accounts_account_change", args=[ada.account.pk])).content.decode()

    assert 'class="form-row field-deletion_due_at"' in page
    assert 'name="deletion_due_at"' not in page


# Over


def test_an_account_that_is_due_is_deleted(delete, ada):
    """With everything; nothing is left that leads to the person but the id."""
    delete(ada)
    assert purge() == "0 accounts deleted."

    with time_machine.travel(timezone.now() + timedelta(days=DAYS, seconds=1)):
        assert purge() == "1 accounts deleted."
        assert purge() == "0 accounts deleted."

    assert not Account.objects.exists()
    assert found([EMAIL]) == {}
    assert not SecurityEvent.objects.exclude(ip_address=None).exists()


def test_each_is_deleted_by_itself(delete, sign_in):
    """The clients that one has registered stay, and whoever became staff meanwhile."""
    people = [sign_in(make_account(email_verified=True)) for _ in range(3)]
    for person in people:
        delete(person)
    Client.objects.filter(client_id="web").update(user=people[0].account)
    Account.objects.filter(pk=people[1].account.pk).update(is_staff=True)

    with time_machine.travel(timezone.now() + timedelta(days=DAYS, seconds=1)):
        assert purge() == "2 accounts deleted."

    assert Account.objects.get().pk == people[1].account.pk
    assert Client.objects.get().user is None


def test_one_that_cannot_be_deleted_stops_no_other(delete, sign_in, monkeypatch, caplog):
    """A table of a deployment may refuse it. The log names the id, and the command fails."""
    first, second = [sign_in(make_account(email_verified=True)) for _ in range(2)]
    for person in (first, second):
        delete(person)

    def erase(account):
        if account.pk == first.account.pk:
            raise IntegrityError(account.email)
        account.delete()

    monkeypatch.setattr(grace_period, "erase", erase)
    with (
        time_machine.travel(timezone.now() + timedelta(days=DAYS, seconds=1)),
        pytest.raises(CommandError, match="1 accounts"),
    ):
        purge()

    assert Account.objects.get().pk == first.account.pk
    assert f"account {first.account.pk} could not be deleted: IntegrityError" in caplog.messages

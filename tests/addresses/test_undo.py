"""`undoEmailChange`: the former address has its account back, and nobody else has a way in."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.guard.models import SecurityEvent
from accounts.mails import notices
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.tokens.models import Session
from tests.addresses.conftest import NEW, OLD
from tests.api import LINK, ME, REFRESH, TOKEN_AUTH, codes
from tests.factories import PASSWORD, make_account
from tests.leaving.test_administration_log import exported, log
from tests.mails import link_token, newest_code, queued
from tests.people.test_admin import admin, form_of, page
from tests.providers.stored import nothing_changes

__all__ = ["admin"]

way_back = partial(link_token, OLD, Purpose.UNDO_EMAIL_CHANGE)


def test_the_former_address_has_its_account_back(change, undo, ada):
    """S12: verified, and a link for choosing a password goes there."""
    change(ada)

    assert undo(way_back()) == {"errors": []}

    account = Account.objects.get()
    assert (account.email, account.email_verified) == (OLD, True)
    assert queued(OLD)[-1] == "reset_password"
    assert Mail.objects.get(template="reset_password").code.purpose == Purpose.RESET


def test_every_session_ends_and_the_password_is_void(change, undo, ada, graphql):
    """S12, S82: whoever changed the address knows it."""
    change(ada)

    undo(way_back())

    assert graphql(ME, token=ada.access_token).status == 401
    assert codes(graphql(REFRESH, input={"refreshToken": ada.refresh_token}).data["refreshToken"]) == ["INVALID_GRANT"]
    for email in (OLD, NEW):
        given = {"email": email, "password": PASSWORD}
        assert codes(graphql(TOKEN_AUTH, input=given).data["tokenAuth"]) == ["INVALID_CREDENTIALS"]


def linked(account: Account, provider: str, days: int) -> None:
    """Link an identity so many days ago, and tell its holder."""
    then = timezone.now() - timedelta(days=days)
    row = UserSocialAuth.objects.create(user=account, provider=provider, uid="7")
    UserSocialAuth.objects.filter(pk=row.pk).update(created=then)
    with time_machine.travel(then):
        notices.tell(account, Template.SOCIAL_LINKED)


def test_what_was_linked_since_is_gone(change, undo, ada, graphql, providers):
    """S12: and what was there before stays."""
    linked(ada.account, "github", 9)
    change(ada)
    fresh = {"provider": "google", "credential": {"accessToken": providers.google_token()}}
    graphql(LINK, token=ada.access_token, input={"source": {"credential": fresh}})

    undo(way_back())

    assert list(UserSocialAuth.objects.values_list("provider", flat=True)) == ["github"]


@pytest.mark.parametrize("days", [0, 3])
def test_what_a_thief_linked_before_the_change_is_gone_too(change, undo, ada, days):
    """S12: first a provider, then the address. The links of notices have not worked since."""
    linked(ada.account, "github", 9)
    linked(ada.account, "google-oauth2", 5)
    change(ada)

    with time_machine.travel(timezone.now() + timedelta(days=days)):
        undo(way_back())

    assert list(UserSocialAuth.objects.values_list("provider", flat=True)) == ["github"]


def test_a_pending_change_is_gone(change, undo, ask, ada):
    """S12: it was asked for since."""
    change(ada)
    ask(ada, "next@example.com")

    undo(way_back())

    assert newest_code("next@example.com", Purpose.CHANGE_EMAIL).used_at is not None


def test_it_is_recorded(change, undo, ada):
    """S58: each change by itself; the holder did them."""
    change(ada)
    SecurityEvent.objects.all().expire()

    undo(way_back())

    recorded = SecurityEvent.objects.values_list("type", "subject", "actor")
    types = ["account:email:change", "account:email:undo", "account:password:change"]
    assert sorted(recorded) == [(type_, ada.account.pk, ada.account.pk) for type_ in types]


def test_a_link_works_once(change, undo, ada):
    """S8."""
    change(ada)
    undo(way_back())

    with nothing_changes():
        assert codes(undo(way_back())) == ["EXPIRED_CODE"]


def test_a_link_works_for_seven_days(change, undo, ada):
    """S12: not longer."""
    change(ada)
    token = way_back()

    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)), nothing_changes():
        assert codes(undo(token)) == ["EXPIRED_CODE"]
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23)):
        assert undo(token) == {"errors": []}


@pytest.mark.parametrize("token", ["", "AAAA", "é", "A" * 5000])
def test_a_wrong_link_changes_nothing(change, undo, ada, token):
    """It is recorded."""
    change(ada)

    with nothing_changes():
        assert codes(undo(token)) == ["INVALID_CODE"]
    assert SecurityEvent.objects.filter(type="account:email:undo:failure").exists()


def test_undoing_is_limited(change, undo, ada, limit):
    """S56."""
    change(ada)
    limit("code.global=1/1h")
    undo("AAAA")

    with nothing_changes():
        assert codes(undo(way_back())) == ["RATE_LIMITED"]


# Several changes


@pytest.fixture
def twice(change, ada):
    """Changed to one address, and from there to another."""
    change(ada, "first@example.com")
    change(ada, "second@example.com")
    return ada


def test_each_former_address_has_its_own_way_back(twice, undo):
    """The link restores the address that it was mailed to."""
    assert undo(link_token("first@example.com", Purpose.UNDO_EMAIL_CHANGE)) == {"errors": []}

    assert Account.objects.get().email == "first@example.com"


def test_the_first_holder_wins(twice, undo):
    """A thief who undoes a change of their own does not end the link of the holder."""
    undo(link_token("first@example.com", Purpose.UNDO_EMAIL_CHANGE))

    assert undo(way_back()) == {"errors": []}
    assert Account.objects.get().email == OLD


def test_an_undone_change_has_no_way_back(twice, undo):
    """The links of later changes are dead."""
    undo(way_back())

    with nothing_changes():
        assert codes(undo(link_token("first@example.com", Purpose.UNDO_EMAIL_CHANGE))) == ["EXPIRED_CODE"]


def test_back_to_the_first_address_and_away_again(change, undo, ada):
    """Either of its two links restores it."""
    change(ada)
    token = way_back()
    change(ada, OLD)
    change(ada, "third@example.com")

    assert undo(token) == {"errors": []}
    assert Account.objects.get().email == OLD


def test_a_return_in_a_session_has_no_way_back(change, undo, twice):
    """S12: the holder takes the account back from a thief, who waits until the holder's own link has expired."""
    token = link_token("first@example.com", Purpose.UNDO_EMAIL_CHANGE)

    change(twice, OLD)

    assert Account.objects.get().email == OLD
    assert queued("second@example.com") == ["confirm_email", "email_change_requested"]
    assert not MailedCode.objects.filter(purpose=Purpose.UNDO_EMAIL_CHANGE, email="second@example.com").exists()
    with nothing_changes():
        assert codes(undo(token)) == ["EXPIRED_CODE"]
    assert undo(way_back()) == {"errors": []}


def test_what_staff_take_back_stays(change, undo, ada, admin):
    """S12: the thief's link does not undo it."""
    change(ada, "first@example.com")
    change(ada, "second@example.com")
    form = admin.get(page("account", "change", ada.account.pk))

    assert admin.post(form.request["PATH_INFO"], {**form_of(form), "email": OLD}).status_code == 302

    with nothing_changes():
        for email in ("first@example.com", OLD):
            assert codes(undo(link_token(email, Purpose.UNDO_EMAIL_CHANGE))) == ["EXPIRED_CODE"]
    assert Account.objects.get(pk=ada.account.pk).email == OLD


def test_the_log_of_the_administration_follows(change, undo, ada, admin):
    """Else the deletion would leave former addresses there, and whoever has them next would export the entries."""
    session = Session.objects.get(account=ada.account)
    log(Session, session.pk, str(session))

    change(ada)
    assert exported(Account.objects.get(pk=ada.account.pk)) == [f"{NEW} · Web"]
    undo(way_back())
    assert exported(Account.objects.get(pk=ada.account.pk)) == [f"{OLD} · Web"]
    form = admin.get(page("account", "change", ada.account.pk))
    admin.post(form.request["PATH_INFO"], {**form_of(form), "email": "third@example.com"})
    assert "third@example.com · Web" in exported(Account.objects.get(pk=ada.account.pk))


def test_a_long_address_fits_into_the_log(change, ada):
    """Which holds 200 characters."""
    log(Session, ada.account.pk, f"{OLD} · Web")
    long = f"{'c' * 64}@{'.'.join(['d' * 60] * 3)}.com"

    change(ada, long)

    assert LogEntry.objects.get().object_repr == f"{long} · Web"[:200]


# Whoever has the address by now


def test_a_never_verified_account_makes_room(change, undo, ada):
    """S85: nobody has shown the mailbox but whoever presses the link."""
    change(ada)
    squatter = make_account(email=OLD)

    assert undo(way_back()) == {"errors": []}

    assert Account.objects.get().pk == ada.account.pk
    event = SecurityEvent.objects.get(type="account:delete")
    assert (event.subject, event.actor, event.ip_address) == (squatter.pk, ada.account.pk, None)


@pytest.mark.parametrize("fields", [{"email_verified": True}, {"is_staff": True}, {"is_superuser": True}])
def test_another_account_stays(change, undo, ada, fields):
    """One that has verified the address, or belongs to the administration."""
    change(ada)
    make_account(email=OLD, **fields)

    with nothing_changes():
        assert codes(undo(way_back())) == ["EMAIL_TAKEN"]
    event = SecurityEvent.objects.get(type="account:email:undo:failure")
    assert (event.subject, event.cause) == (ada.account.pk, "EMAIL_TAKEN")


# An account that cannot be signed in to


def test_an_account_that_staff_disabled_stays_disabled(change, undo, ada):
    """S13: the link is no way around it."""
    change(ada)
    Account.objects.update(is_active=False)

    with nothing_changes():
        assert codes(undo(way_back())) == ["EXPIRED_CODE"]


def test_the_way_back_of_an_account_that_is_gone(change, undo, ada):
    """Its code went along."""
    change(ada)
    token = way_back()
    Account.objects.get().delete()

    with nothing_changes():
        assert codes(undo(token)) == ["EXPIRED_CODE"]
    assert not MailedCode.objects.exists()

"""`secureAccount`: "this was not me", with the link of a notice."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.conf import latchkey, rate_limits
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.mails import codes, notices
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.passwords import securing
from accounts.people.models import Account
from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, TOKEN_AUTH, refusals
from tests.api import codes as codes_of
from tests.factories import make_account
from tests.mails import link_token, queued
from tests.passwords.mailed import NEW, SECURE, reset, secure
from tests.providers.stored import nothing_changes


@pytest.fixture
def ada(db) -> Account:
    """Somebody whose address is verified."""
    return make_account(email="ada@example.com", email_verified=True)


def notice(account: Account, template: Template = Template.PASSWORD_CHANGED) -> str:
    """The token of a notice's link."""
    notices.tell(account, template)
    return link_token(account.email, Purpose.SECURE)


def identity(account: Account, uid: str, **age: int) -> None:
    """Link one, so long ago."""
    row = UserSocialAuth.objects.create(user=account, provider="google-oauth2", uid=uid)
    UserSocialAuth.objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(**age))


def recorded(type_: EventType) -> list[tuple[object, str]]:
    """The accounts and causes of events."""
    return list(SecurityEvent.objects.filter(type=type_).values_list("subject", "cause"))


def test_it_throws_everybody_out(graphql, ada, sign_in):
    """Every session ends, and no password opens the account, neither a thief's nor the old one."""
    thief, token = sign_in(ada), notice(ada)

    assert secure(graphql, token) == {"errors": []}

    assert not Session.objects.exists()
    assert graphql(ME, token=thief.access_token).status == 401
    assert not Account.objects.get().has_usable_password()
    given = {"email": ada.email, "password": PASSWORD}
    assert codes_of(graphql(TOKEN_AUTH, input=given).data["tokenAuth"]) == ["INVALID_CREDENTIALS"]
    assert recorded(EventType.SECURED) == [(ada.pk, "")]


def test_it_mails_a_way_back_in(graphql, ada):
    """S11: to the verified address, for the front end of the notice's client: the holder is not locked out."""
    Client.objects.update(front_end_url="https://app.example")
    client = Client.objects.get()
    notices.tell(ada, Template.PASSWORD_CHANGED, client_key=client.pk)

    secure(graphql, link_token(ada.email, Purpose.SECURE))

    mail = Mail.objects.get(template=Template.RESET_PASSWORD)
    assert (mail.email, mail.account_id, mail.client_id, mail.data) == (
        ada.email,
        ada.pk,
        client.pk,
        {"link_only": True},
    )
    assert reset(graphql, {"linkToken": link_token(ada.email, Purpose.RESET)})["errors"] == []
    assert not graphql(TOKEN_AUTH, input={"email": ada.email, "password": NEW}).data["tokenAuth"]["errors"]


def test_an_account_without_a_password_is_secured_too(graphql, sign_in, ada):
    """Its sessions end, though there is no password to void."""
    signed_in = sign_in(ada)
    Account._base_manager.filter(pk=ada.pk).update(password="!")

    secure(graphql, notice(ada))

    assert graphql(ME, token=signed_in.access_token).status == 401


@pytest.mark.parametrize("template", [Template.SOCIAL_LINKED, Template.PASSWORD_CHANGED])
def test_identities_that_were_linked_since_go(graphql, ada, template):
    """Also the one that the notice tells of, which is stored a moment before it. Older ones are the holder's."""
    identity(ada, "old", days=1)
    identity(ada, "of the notice", seconds=1)
    token = notice(ada, template)
    identity(ada, "new")

    secure(graphql, token)

    assert list(UserSocialAuth.objects.values_list("uid", flat=True)) == ["old"]
    assert recorded(EventType.UNLINKED) == [(ada.pk, "google-oauth2")] * 2


def test_identities_go_that_an_earlier_notice_told_of(graphql, ada):
    """Whoever came in links an identity first, and changes the password later: one press takes back both."""
    with time_machine.travel(timezone.now() - timedelta(days=2)):
        earlier = notice(ada, Template.SOCIAL_LINKED)
    identity(ada, "thief", days=1)

    secure(graphql, notice(ada))

    assert not UserSocialAuth.objects.exists()
    assert codes_of(secure(graphql, earlier)) == ["EXPIRED_CODE"]


def test_a_notice_whose_link_is_dead_says_nothing(graphql, ada):
    """What its holder has not disowned in a week is theirs."""
    with time_machine.travel(timezone.now() - timedelta(days=9)):
        notice(ada, Template.SOCIAL_LINKED)
    identity(ada, "the holder's", days=8)

    secure(graphql, notice(ada))

    assert UserSocialAuth.objects.exists()


def test_pending_changes_go_but_for_the_undo(graphql, ada):
    """S12. Whoever has the account's present address must not void the link that went to the former one."""
    for purpose in Purpose:
        codes.create(purpose, email=ada.email, account=ada, lifetime=7200)

    secure(graphql, notice(ada))

    purposes = MailedCode.objects.filter(used_at=None).order_by("created_at").values_list("purpose", flat=True)
    assert list(purposes) == [Purpose.UNDO_EMAIL_CHANGE, Purpose.RESET]


def test_a_link_works_once(graphql, ada):
    """S8: the second press voids no new password."""
    token = notice(ada)
    secure(graphql, token)
    reset(graphql, {"linkToken": link_token(ada.email, Purpose.RESET)})

    with nothing_changes():
        assert refusals(secure(graphql, token)) == [("EXPIRED_CODE", ["token"])]
    assert recorded(EventType.SECURE_FAILED) == [(None, "EXPIRED_CODE")]


@pytest.mark.parametrize(("days", "found"), [(6, []), (8, ["EXPIRED_CODE"])])
def test_a_link_works_for_a_week(graphql, ada, days, found):
    """Mails are read late."""
    token = notice(ada)

    with time_machine.travel(timezone.now() + timedelta(days=days)):
        assert codes_of(secure(graphql, token)) == found


@pytest.mark.parametrize("token", ["", "made-up", "A" * 64, "\0é"])
def test_a_made_up_token_is_wrong(graphql, ada, token):
    """Recorded on no account."""
    with nothing_changes():
        assert refusals(secure(graphql, token)) == [("INVALID_CODE", ["token"])]
    assert recorded(EventType.SECURE_FAILED) == [(None, "INVALID_CODE")]


@pytest.mark.parametrize("change", [{"email": "new@example.com"}, {"is_active": False}])
def test_an_account_that_has_changed_is_not_secured(graphql, ada, change):
    """The mailbox of a former address has the link that undoes the change; nobody opens a shut account."""
    token = notice(ada)
    Account.objects.filter(pk=ada.pk).update(**change)

    with nothing_changes():
        assert codes_of(secure(graphql, token)) == ["EXPIRED_CODE"]
    assert recorded(EventType.SECURE_FAILED) == [(ada.pk, "EXPIRED_CODE")]


@pytest.mark.parametrize("purpose", [p for p in Purpose if p != Purpose.SECURE])
def test_other_links_secure_nothing(graphql, ada, purpose):
    """S8: a link counts for its purpose only."""
    code = codes.create(purpose, email=ada.email, account=ada, lifetime=600)

    with nothing_changes():
        assert codes_of(secure(graphql, codes.link_token(code))) == ["INVALID_CODE"]


def test_wrong_tokens_are_limited(graphql, client, ada, settings):
    """S56: from one address."""
    settings.LATCHKEY = replace(latchkey(), rate_limits=rate_limits("code.address=2/1h"))
    client.defaults["REMOTE_ADDR"] = "8.8.4.4"
    token = notice(ada)
    found = [codes_of(secure(graphql, "made-up")) for _ in range(2)]

    assert found == [["INVALID_CODE"]] * 2
    assert codes_of(secure(graphql, token)) == ["RATE_LIMITED"]
    assert Account.objects.get().has_usable_password()


def test_a_failure_on_the_way_leaves_the_account_as_it_was(graphql, ada, monkeypatch):
    """All or nothing: no password is voided without the mail that lets its holder in again."""

    def fail(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(securing, "mail_reset", fail)
    token = notice(ada)

    with nothing_changes():
        assert graphql(SECURE, input={"token": token}).codes == ["INTERNAL_SERVER_ERROR"]
    assert queued(ada.email) == ["password_changed"]

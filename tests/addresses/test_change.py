"""`requestEmailChange`, `confirmEmailChange`, `cancelEmailChange`."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.guard.models import SecurityEvent
from accounts.mails import codes as mailed
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.people.models import Account
from tests.addresses.conftest import CANCEL, CONFIRM, NEW, OLD, REQUEST
from tests.api import ME, codes, refusals
from tests.factories import make_account
from tests.mails import link_token, newest_code, queued, typed_code
from tests.providers.stored import nothing_changes

PENDING = "{ me { email emailVerified pendingEmail } }"


# Asking


def test_nothing_changes_before_the_new_address_is_confirmed(ask, ada, graphql):
    """S12: the address waits, and the front end can show it."""
    payload = ask(ada, " Countess@Example.com ")

    assert payload == {"account": {"email": OLD, "pendingEmail": NEW}, "errors": []}
    assert graphql(PENDING, token=ada.access_token).data["me"]["pendingEmail"] == NEW
    assert Account.objects.get().email == OLD
    assert queued(NEW) == ["confirm_email"]


def test_the_present_address_is_told(ask, ada):
    """S12: with a link that secures the account."""
    ask(ada)

    assert queued(OLD) == ["email_change_requested"]
    assert Mail.objects.get(email=OLD).code.purpose == Purpose.SECURE


def test_an_unverified_address_is_told_nothing(ask, signed_in):
    """S62: it may be a stranger's."""
    ask(signed_in)

    assert queued(signed_in.account.email) == []


def test_it_is_recorded(ask, ada):
    """S58: without the new address."""
    ask(ada)

    event = SecurityEvent.objects.get(type="account:email:change:request")
    assert (event.subject, event.actor, event.client) == (ada.account.pk, ada.account.pk, "web")
    assert NEW not in str(list(SecurityEvent.objects.values()))


def test_the_next_request_replaces_the_pending_one(ask, ada, confirm):
    """S12: the link of the first is dead."""
    ask(ada, "first@example.com")
    ask(ada)

    assert codes(confirm(ada, token=link_token("first@example.com", Purpose.CHANGE_EMAIL))) == ["EXPIRED_CODE"]
    assert confirm(ada, token=link_token(NEW, Purpose.CHANGE_EMAIL))["account"]["email"] == NEW


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "REQUIRED"),
        ("  ", "REQUIRED"),
        ("nobody", "INVALID_INPUT"),
        ("a\0@example.com", "INVALID_INPUT"),
        (f"{'a' * 250}@example.com", "INVALID_INPUT"),
        ("Ada@Example.com", "INVALID_INPUT"),
    ],
)
def test_what_is_no_other_address_is_refused(ask, ada, email, code):
    """Each for its form; the own address, too."""
    with nothing_changes():
        payload = ask(ada, email)

    assert (payload["account"], refusals(payload)) == (None, [(code, ["newEmail"])])


def test_asking_is_limited_by_the_new_address(ask, ada, limit):
    """Nobody floods a stranger's mailbox."""
    limit("mail.account=1/1h")
    ask(ada)

    with nothing_changes():
        assert codes(ask(ada)) == ["RATE_LIMITED"]
    assert ask(ada, "other@example.com")["errors"] == []


def test_it_is_for_who_is_signed_in(graphql, db):
    """As confirming and cancelling are."""
    with nothing_changes():
        assert graphql(REQUEST, input={"newEmail": NEW}).codes == ["UNAUTHENTICATED"]
        assert graphql(CONFIRM, input={"code": "BCDF-GHJK"}).codes == ["UNAUTHENTICATED"]
        assert graphql(CANCEL).codes == ["UNAUTHENTICATED"]


# A taken address


def test_a_taken_address_is_answered_as_a_free_one(ask, sign_in):
    """S3: byte for byte, in `pendingEmail` too; its mailbox learns it, and gets no link."""
    make_account(email=NEW)
    one, other = sign_in(make_account(email="one@example.com")), sign_in(make_account(email="other@example.com"))

    taken, free = ask(one, NEW), ask(other, "free@example.com")

    assert str(taken).replace("one@", "other@").replace(NEW, "free@example.com") == str(free)
    assert (queued(NEW), queued("free@example.com")) == (["address_taken"], ["confirm_email"])
    assert Mail.objects.get(email=NEW).code is None


def test_a_taken_address_costs_the_same_statements(graphql, sign_in):
    """S2: none more, none less, none other."""
    make_account(email="taken@example.com")
    one, other = sign_in(make_account()), sign_in(make_account())
    statements = []
    for signed_in, email in [(one, "taken@example.com"), (other, "right@example.com")]:
        graphql(ME, token=signed_in.access_token)
        with CaptureQueriesContext(connection) as captured:
            graphql(REQUEST, token=signed_in.access_token, input={"newEmail": email})
        statements.append([re.sub(r"_x\d+", "", query["sql"]).split()[:3] for query in captured])

    assert statements[0] == statements[1]


def test_a_code_for_a_taken_address_confirms_nothing(ask, ada, confirm):
    """Nobody was mailed it. Neither guessed, nor once the address is free."""
    holder = make_account(email=NEW)
    ask(ada)
    holder.delete()

    for given in ({"code": typed_code(NEW, Purpose.CHANGE_EMAIL)}, {"token": link_token(NEW, Purpose.CHANGE_EMAIL)}):
        with nothing_changes(MailedCode):
            assert codes(confirm(ada, **given)) == ["INVALID_CODE"]


def test_an_address_that_is_taken_meanwhile_is_refused(ask, ada, confirm):
    """Whoever shows it first has it; the link works again if it becomes free."""
    ask(ada)
    holder = make_account(email=NEW)
    token = link_token(NEW, Purpose.CHANGE_EMAIL)

    with nothing_changes():
        assert codes(confirm(ada, token=token)) == ["EMAIL_TAKEN"]
    holder.delete()
    assert confirm(ada, token=token)["errors"] == []


# Confirming


@pytest.mark.parametrize("how", ["token", "code"])
def test_link_and_code_change_the_address(ask, ada, confirm, graphql, how):
    """S72: either, and it is verified by that. The sessions stay."""
    ask(ada)
    shown = {"token": link_token, "code": typed_code}[how](NEW, Purpose.CHANGE_EMAIL)

    payload = confirm(ada, **{how: shown})

    assert payload == {"account": {"email": NEW, "emailVerified": True, "pendingEmail": None}, "errors": []}
    assert graphql(ME, token=ada.access_token).data["me"]["email"] == NEW
    assert SecurityEvent.objects.get(type="account:email:change").actor == ada.account.pk


def test_the_former_address_is_told_and_can_undo(change, ada):
    """S12: its mail carries a link for 7 days."""
    change(ada)

    assert queued(OLD)[-1] == "email_changed"
    code = newest_code(OLD, Purpose.UNDO_EMAIL_CHANGE)
    assert Mail.objects.get(template="email_changed").code == code
    assert code.expires_at - code.created_at == timedelta(days=7)


def test_an_unverified_former_address_gets_no_way_back(change, signed_in):
    """S9, S62: whoever has that mailbox never had the account."""
    change(signed_in)

    assert queued(signed_in.account.email) == []
    assert not MailedCode.objects.filter(purpose=Purpose.UNDO_EMAIL_CHANGE).exists()


def test_a_link_works_once(change, ada, confirm):
    """S8: link and code both."""
    change(ada)

    with nothing_changes():
        assert codes(confirm(ada, token=link_token(NEW, Purpose.CHANGE_EMAIL))) == ["EXPIRED_CODE"]
        assert codes(confirm(ada, code=typed_code(NEW, Purpose.CHANGE_EMAIL))) == ["EXPIRED_CODE"]


def test_a_link_expires(ask, ada, confirm, settings):
    """S8: after the lifetime of confirmations."""
    settings.LATCHKEY = replace(settings.LATCHKEY, email_verification_lifetime=600)
    ask(ada)

    with time_machine.travel(timezone.now() + timedelta(seconds=601)), nothing_changes():
        assert codes(confirm(ada, token=link_token(NEW, Purpose.CHANGE_EMAIL))) == ["EXPIRED_CODE"]


@pytest.mark.parametrize("given", [{"token": ""}, {"token": "AAAA"}, {"code": ""}, {"code": "BCDF-GHJK"}])
def test_a_wrong_one_changes_nothing(ask, ada, confirm, given):
    """It is counted and recorded."""
    ask(ada)

    with nothing_changes(MailedCode):
        assert codes(confirm(ada, **given)) == ["INVALID_CODE"]
    assert SecurityEvent.objects.get(type="account:email:change:failure").subject == ada.account.pk


def test_a_link_of_another_purpose_is_none(change, ada, confirm):
    """S8: nor one that undoes a change."""
    change(ada)

    assert codes(confirm(ada, token=link_token(OLD, Purpose.UNDO_EMAIL_CHANGE))) == ["INVALID_CODE"]


def test_codes_cannot_be_tried_without_end(ask, ada, confirm):
    """S71: five wrong ones, and the right one is dead."""
    ask(ada)
    for _ in range(5):
        assert codes(confirm(ada, code="BCDF-GHJK")) == ["INVALID_CODE"]

    assert codes(confirm(ada, code=typed_code(NEW, Purpose.CHANGE_EMAIL))) == ["EXPIRED_CODE"]
    assert Account.objects.get().email == OLD


def test_confirming_is_limited(ask, ada, confirm, limit):
    """S56: by the account."""
    limit("code.account=1/1h")
    ask(ada)
    confirm(ada, token="AAAA")

    with nothing_changes():
        assert codes(confirm(ada, token=link_token(NEW, Purpose.CHANGE_EMAIL))) == ["RATE_LIMITED"]


def test_what_was_mailed_to_the_former_address_is_dead(change, ada):
    """S8: it proves nothing about the new one."""
    reset = mailed.create(Purpose.RESET, email=OLD, lifetime=600, account=ada.account)

    change(ada)

    reset.refresh_from_db()
    assert reset.used_at is not None


# Cancelling


def test_a_pending_change_is_cancelled(ask, ada, confirm, graphql):
    """The link is dead."""
    ask(ada)

    payload = graphql(CANCEL, token=ada.access_token).data["cancelEmailChange"]

    assert payload == {"account": {"email": OLD, "pendingEmail": None}, "errors": []}
    assert codes(confirm(ada, token=link_token(NEW, Purpose.CHANGE_EMAIL))) == ["EXPIRED_CODE"]
    assert SecurityEvent.objects.filter(type="account:email:change:cancel").count() == 1


def test_cancelling_nothing_succeeds(ada, graphql):
    """And is not recorded."""
    graphql(ME, token=ada.access_token)

    with nothing_changes():
        assert graphql(CANCEL, token=ada.access_token).data["cancelEmailChange"]["errors"] == []
    assert not SecurityEvent.objects.filter(type="account:email:change:cancel").exists()

"""S9: whoever was there first, or changed the address, keeps no way into the account of the mailbox's holder.

Eve acts first each time. Verified addresses are those of mailboxes that somebody has opened.
"""

import pytest
from django.contrib.auth.hashers import make_password

from accounts.guard.models import SecurityEvent
from accounts.mails import codes as mailed
from accounts.mails.models import MailedCode, Purpose
from accounts.people.models import Account
from accounts.people.signals import voiding_additions
from tests.addresses.conftest import CONFIRM, OLD
from tests.api import ME, REGISTER, codes
from tests.factories import PASSWORD, make_account
from tests.mails import link_token, typed_code
from tests.providers.stored import nothing_changes

VICTIM = "victim@example.com"


@pytest.fixture
def eve(sign_in):
    """Somebody with a verified address of her own."""
    return sign_in(make_account(email="eve@example.com", email_verified=True))


def test_a_press_does_not_give_the_mailbox_to_a_strangers_account(ask, eve, graphql):
    """Trojan identifier: Eve names the victim's address, and the victim presses the link, signed out."""
    ask(eve, VICTIM)
    token = link_token(VICTIM, Purpose.CHANGE_EMAIL)

    with nothing_changes():
        assert graphql(CONFIRM, input={"token": token}).codes == ["UNAUTHENTICATED"]
    given = {"email": VICTIM, "username": "victim", "firstName": "V", "password": PASSWORD}
    assert graphql(REGISTER, input=given).data["register"]["errors"] == []


def test_a_press_in_ones_own_session_does_not_either(ask, eve, ada, confirm, graphql):
    """The victim is signed in to another account."""
    ask(eve, VICTIM)
    graphql(ME, token=ada.access_token)

    with nothing_changes():
        assert codes(confirm(ada, token=link_token(VICTIM, Purpose.CHANGE_EMAIL))) == ["INVALID_CODE"]
    assert Account.objects.get(pk=ada.account.pk).email == OLD


def test_a_code_is_the_askers_own(ask, eve, ada, confirm):
    """S70: typed in another account's session it is none, whatever waits there."""
    ask(eve, VICTIM)
    ask(ada)

    with nothing_changes(MailedCode):
        assert codes(confirm(ada, code=typed_code(VICTIM, Purpose.CHANGE_EMAIL))) == ["INVALID_CODE"]


def test_a_pending_change_dies_when_the_holder_comes(ask, sign_in, graphql, confirm):
    """Pending e-mail change: Eve registers the victim's address and asks for her own, to confirm it later."""
    eve = sign_in(make_account(email=VICTIM))
    ask(eve, "eve@example.com")

    Account.objects.get(email=VICTIM).hand_over(encoded=make_password(PASSWORD))

    token = link_token("eve@example.com", Purpose.CHANGE_EMAIL)
    assert graphql(CONFIRM, token=eve.access_token, input={"token": token}).status == 401
    # Were the session alive, the code would still be dead.
    assert codes(confirm(sign_in(eve.account), token=token)) == ["EXPIRED_CODE"]
    assert Account.objects.get().email == VICTIM


def test_a_handed_over_account_has_no_way_back(eve, change):
    """Unexpired undo: no link of a former address survives, should the account count as unverified again."""
    change(eve, "other@example.com")
    Account.objects.update(email_verified=False)

    Account.objects.get().hand_over()

    assert not MailedCode.objects.filter(used_at=None).exists()


def test_a_thief_cannot_end_the_holders_way_back(ada, change, undo):
    """S12: by a second change, by resetting the password, or by securing the account from the new address."""
    change(ada, "thief@example.com")
    account = Account.objects.get()
    mailed.withdraw(account)
    since = MailedCode.objects.earliest("created_at").created_at
    voiding_additions.send(sender=Account, account=account, since=since)

    assert undo(link_token(OLD, Purpose.UNDO_EMAIL_CHANGE)) == {"errors": []}
    assert SecurityEvent.objects.filter(type="account:email:undo").exists()


def test_the_notices_of_the_holder_work_again_after_the_undo(ada, change, undo):
    """What happened shortly before the change has a notice of its own: its link is not used up meanwhile."""
    change(ada, "thief@example.com")
    undo(link_token(OLD, Purpose.UNDO_EMAIL_CHANGE))

    code = mailed.by_link(link_token(OLD, Purpose.SECURE), Purpose.SECURE)
    assert (code.account_id, code.email) == (ada.account.pk, Account.objects.get().email)

"""A reset of second factors by staff or an operator: late, told, recorded, and withdrawn by its holder (S79)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts.conf import MfaRequired, latchkey
from accounts.errors import InvalidCode, InvalidInput
from accounts.factors import sealing
from accounts.factors.errors import MfaNotEnabled, PasskeyRejected
from accounts.factors.models import FactorReset, Passkey, RecoveryCodes, RememberedBrowser, Totp
from accounts.factors.state import factors_of
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, Purpose
from accounts.mfa import resetting
from accounts.mfa.answering import RecoveryCode, TotpCode, check_factor
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.clients import renewed_grant
from accounts.tokens.models import AuthenticationMethod, Client
from tests.api import ME, PASSWORD, TOKEN_AUTH, codes
from tests.factories import make_account
from tests.mails import link_token, queued
from tests.mfa.enrolled import code_of, with_app, with_codes, with_passkey
from tests.passwords.mailed import secure

REASON = "Showed a passport, ticket 17"
DAY = timedelta(days=1)
FACTORS = (Totp, RecoveryCodes, Passkey, RememberedBrowser)


@pytest.fixture
def ada(sign_in):
    """Somebody with a session and every kind of factor."""
    account = make_account(email="ada@example.com", email_verified=True)
    session = sign_in(account)
    with_app(account)
    with_codes(account)
    with_passkey(account)
    now = timezone.now()
    RememberedBrowser.objects.create(account=account, digest="0" * 64, expires_at=now + 30 * DAY)
    for model in FACTORS:
        model._base_manager.update(created_at=now - 30 * DAY)
    return session


@pytest.fixture
def staff(db):
    """A member of staff."""
    return make_account(is_staff=True)


def left(account: Account) -> int:
    """How many rows of factors the account has."""
    return sum(model._base_manager.filter(account=account).count() for model in FACTORS)


def happened(account: Account, begin: str = "mfa:") -> list[tuple[str, object, str]]:
    """Type, actor and cause of the events about factors, oldest first."""
    rows = SecurityEvent.objects.filter(subject=account.pk, type__startswith=begin).order_by("created_at")
    return list(rows.values_list("type", "actor", "cause"))


def asked_to_sign_in(graphql, account: Account) -> list[str]:
    """The codes of a sign-in with the right password."""
    return codes(graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD}).data["tokenAuth"])


def test_the_holder_is_told_at_once_and_nothing_changes_yet(ada, staff, graphql):
    """S79: the mail says when, and its link secures the account; who asked for it is recorded with the reason."""
    account = ada.account

    assert resetting.request(account, actor=staff.pk, reason=REASON)

    reset = resetting.pending(account)
    assert abs(reset.effective_at - timezone.now() - DAY) < timedelta(minutes=1)
    assert queued(account.email) == ["factor_reset_requested"]
    assert datetime.fromisoformat(Mail.objects.get().data["due"]) == reset.effective_at
    assert happened(account) == [("mfa:reset:request", staff.pk, REASON)]
    assert left(account) == 4
    assert asked_to_sign_in(graphql, account) == ["MFA_REQUIRED"]
    assert graphql(ME, token=ada.access_token).status == 200


def test_the_next_sign_in_after_the_delay_finds_no_factors(ada, staff, graphql):
    """Its password suffices, and the sessions from before are over; the event says who asked for it, and why."""
    account = ada.account
    resetting.request(account, actor=staff.pk, reason=REASON)

    with time_machine.travel(timezone.now() + DAY + timedelta(minutes=1)):
        assert factors_of(account).reset_is_due
        assert asked_to_sign_in(graphql, account) == []
        assert graphql(ME, token=ada.access_token).status == 401

    assert left(account) == 0
    assert resetting.pending(account) is None
    assert happened(account, "mfa:reset")[1:] == [("mfa:reset", staff.pk, REASON)]
    assert SecurityEvent.objects.get(type="mfa:reset").ip_address is None
    assert "factors_reset" in queued(account.email)


def test_a_sign_in_that_must_enrol_is_asked_to(ada, staff, graphql, settings):
    """Where the policy wants a factor, the reset is no way around it."""
    settings.LATCHKEY = replace(latchkey(), mfa_required_for=MfaRequired.ALL)
    resetting.request(ada.account, actor=staff.pk, reason=REASON)

    with time_machine.travel(timezone.now() + DAY + timedelta(minutes=1)):
        assert asked_to_sign_in(graphql, ada.account) == ["MFA_ENROLLMENT_REQUIRED"]

    assert left(ada.account) == 0


def test_a_factor_that_was_reset_counts_no_more(ada, staff):
    """Neither an app nor a passkey, from the moment on that the mail has named."""
    account = ada.account
    resetting.request(account, actor=staff.pk, reason=REASON)
    secret = sealing.unseal(Totp.objects.get(account=account).secret)
    grant = renewed_grant(Client.objects.get(client_id="web"), scope="", transport="BODY")

    with time_machine.travel(timezone.now() + DAY + timedelta(minutes=1)):
        with pytest.raises(InvalidCode), transaction.atomic():
            check_factor(account, TotpCode(code_of(secret)))
        with pytest.raises(PasskeyRejected):
            bearer_tokens.issue(account=account, grant=grant, caller=Caller(), methods=(AuthenticationMethod.PASSKEY,))

    assert left(account) == 4


@pytest.mark.parametrize("kind", ["app", "code"])
def test_a_factor_that_is_shown_meanwhile_withdraws_it(ada, staff, kind):
    """The holder has not lost them."""
    account = ada.account
    resetting.request(account, actor=staff.pk, reason=REASON)
    secret = sealing.unseal(Totp.objects.get(account=account).secret)
    factor = TotpCode(code_of(secret)) if kind == "app" else RecoveryCode(with_codes(account)[0])

    with transaction.atomic():
        check_factor(account, factor)

    assert resetting.pending(account) is None
    assert happened(account)[-1] == ("mfa:reset:withdraw", None, "a factor was shown")
    assert left(account) == 4


def test_a_wrong_code_withdraws_nothing(ada, staff):
    """Anybody can send one."""
    resetting.request(ada.account, actor=staff.pk, reason=REASON)

    with pytest.raises(InvalidCode), transaction.atomic():
        check_factor(ada.account, RecoveryCode("BBBB-BBBB-BBBB"))

    assert resetting.pending(ada.account) is not None


def test_a_sign_in_with_a_passkey_withdraws_it(ada, staff):
    """It passes the same gate, whoever has checked the passkey."""
    resetting.request(ada.account, actor=staff.pk, reason=REASON)
    grant = renewed_grant(Client.objects.get(client_id="web"), scope="", transport="BODY")

    bearer_tokens.issue(account=ada.account, grant=grant, caller=Caller(), methods=(AuthenticationMethod.PASSKEY,))

    assert resetting.pending(ada.account) is None


def test_the_link_of_the_mail_withdraws_it(ada, staff, graphql):
    """And secures the account: whoever asked for it knows the password, too, perhaps."""
    resetting.request(ada.account, actor=staff.pk, reason=REASON)

    assert codes(secure(graphql, link_token("ada@example.com", Purpose.SECURE))) == []

    assert resetting.pending(ada.account) is None
    with time_machine.travel(timezone.now() + DAY + timedelta(minutes=1)):
        assert factors_of(ada.account).totp
    assert happened(ada.account) == [("mfa:reset:request", staff.pk, REASON)]


def test_to_ask_again_changes_nothing(ada, staff):
    """The delay is that of the first time, and so is the mail."""
    resetting.request(ada.account, actor=staff.pk, reason=REASON)
    before = FactorReset.objects.values().get()

    assert not resetting.request(ada.account, actor=None, reason="another")

    assert FactorReset.objects.values().get() == before
    assert queued("ada@example.com") == ["factor_reset_requested"]
    assert len(happened(ada.account)) == 1


def test_without_a_delay_it_is_carried_out_at_once(ada, staff, graphql, settings):
    """MFA_RESET_DELAY_HOURS=0: one mail says that it is done."""
    settings.LATCHKEY = replace(latchkey(), mfa_reset_delay_hours=0)

    resetting.request(ada.account, actor=staff.pk, reason=REASON)

    assert left(ada.account) == 0
    assert resetting.pending(ada.account) is None
    assert queued("ada@example.com") == ["factors_reset"]
    assert [type_ for type_, _actor, _cause in happened(ada.account)] == ["mfa:reset:request", "mfa:reset"]
    assert graphql(ME, token=ada.access_token).status == 401


def test_there_must_be_something_to_reset(account):
    """Otherwise a later factor would be deleted."""
    with pytest.raises(MfaNotEnabled):
        resetting.request(account, actor=None, reason=REASON)

    assert not FactorReset.objects.exists()
    assert happened(account) == []


@pytest.mark.parametrize("reason", ["", "  ", "x" * 101, "two\nlines", "\x1b[2J", "a\0b"])
def test_a_reason_is_needed(ada, reason):
    """One line that an event can hold."""
    with pytest.raises(InvalidInput):
        resetting.request(ada.account, actor=None, reason=reason)

    assert resetting.pending(ada.account) is None


def test_a_reset_that_is_due_cannot_be_withdrawn(ada, staff):
    """What was set up counts no more, and does not come back to life."""
    resetting.request(ada.account, actor=staff.pk, reason=REASON)

    with time_machine.travel(timezone.now() + DAY + timedelta(minutes=1)):
        assert not resetting.withdraw(ada.account, cause="too late")
        assert factors_of(ada.account).reset_is_due


def test_those_that_are_due_are_carried_out_in_time(ada, staff, graphql):
    """By `clear_expired`, though nobody signs in; others wait."""
    other = make_account(email_verified=True)
    with_app(other)
    resetting.request(ada.account, actor=staff.pk, reason=REASON)

    with time_machine.travel(timezone.now() + DAY + timedelta(minutes=1)):
        resetting.request(other, actor=staff.pk, reason=REASON)
        assert resetting.carry_out_due() == 1
        assert graphql(ME, token=ada.access_token).status == 401

    assert (left(ada.account), left(other)) == (0, 1)
    assert resetting.pending(other) is not None


def test_a_password_that_was_checked_before_a_change_gets_nothing_out_of_it(ada, staff):
    """S9: the epoch of a sign-in follows the reset only if it was the present one."""
    resetting.request(ada.account, actor=staff.pk, reason=REASON)
    stale = Account.objects.get(pk=ada.account.pk)
    ada.account.end_sessions()
    epoch = stale.session_epoch

    with time_machine.travel(timezone.now() + DAY + timedelta(minutes=1)):
        assert resetting.carry_out(stale)

    assert stale.session_epoch == epoch < Account.objects.get(pk=stale.pk).session_epoch

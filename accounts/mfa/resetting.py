"""Reset an account's second factors: the way back for a holder who has lost all of them (S79).

Staff or an operator asks for it, and the holder is mailed at once. It takes effect after MFA_RESET_DELAY_HOURS, unless
the holder shows a factor by then, or secures the account with the link of the mail. From then on nothing counts that
was set up (`factors.state`); it is deleted at the next sign-in, or by `clear_expired`.
"""

import logging
import uuid
from datetime import timedelta

from django.db import transaction

from accounts.conf import latchkey
from accounts.errors import InvalidInput
from accounts.factors.errors import MfaNotEnabled
from accounts.factors.forgetting import forget_all
from accounts.factors.models import FactorReset
from accounts.factors.state import factors_of
from accounts.guard import events, origin
from accounts.guard.events import EventType
from accounts.guard.origin import Origin
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.shared import clock

log = logging.getLogger(__name__)

LONGEST_REASON = 100
"""Characters. A security event holds no more."""
FACTOR_SHOWN = "a factor was shown"
"""The cause of a withdrawal."""


@transaction.atomic
def request(account: Account, *, actor: uuid.UUID | None, reason: str) -> bool:
    """Ask for a reset, and mail the holder; says whether none was pending before. Carries it out if nothing delays it.

    `actor` is the account of the member of staff; None for an operator's program. The reason is one line and no secret:
    the holder can read it.

    Raises InvalidInput; MfaNotEnabled if there is nothing to reset.
    """
    reason = reason.strip()
    if not reason or not reason.isprintable() or len(reason) > LONGEST_REASON:
        raise InvalidInput(field=("reason",))
    locked = _locked(account)
    if locked is None:
        raise MfaNotEnabled
    carry_out(locked)
    if pending(locked) is not None:
        return False
    if not can_be_reset(locked):
        raise MfaNotEnabled
    now = clock.now()
    due = now + timedelta(hours=latchkey().mfa_reset_delay_hours)
    reset = FactorReset(account=locked, actor=actor, reason=reason, requested_at=now, effective_at=due)
    reset.save(force_insert=True)
    events.record(EventType.FACTOR_RESET_REQUESTED, subject=locked.pk, actor=actor, cause=reason)
    if due <= now:
        _carry_out(locked, reset)
    else:
        notices.tell(locked, Template.FACTOR_RESET_REQUESTED, due=due.isoformat())
    return True


def can_be_reset(account: Account) -> bool:
    """Whether anything is set up that a reset would delete."""
    factors = factors_of(account)
    return factors.totp or factors.passkeys > 0 or factors.recovery_codes > 0


def pending(account: Account) -> FactorReset | None:
    """The account's reset that has not been carried out."""
    return FactorReset.objects.filter(account=account).first()


@transaction.atomic
def withdraw(account: Account, *, cause: str) -> bool:
    """Withdraw a pending reset; says whether there was one that was not due yet. `cause` says who did it, or how."""
    # Nearly always there is none. Otherwise the account is locked first, as by all others who delete the row.
    if pending(account) is None or _locked(account) is None:
        return False
    number, _models = FactorReset.objects.filter(account=account, effective_at__gt=clock.now()).delete()
    if number:
        events.record(EventType.FACTOR_RESET_WITHDRAWN, subject=account.pk, cause=cause)
    return bool(number)


def carry_out(account: Account, *, keep: uuid.UUID | None = None) -> bool:
    """Delete all factors of the account, and end its sessions, if a reset is due; says whether one was.

    `keep` is the session that continues. An account that was authenticated just now stays so: its epoch follows.
    """
    with transaction.atomic():
        locked = _locked(account)
        if locked is None:
            return False
        reset = FactorReset.objects.filter(account=locked, effective_at__lte=clock.now()).first()
        if reset is None:
            return False
        was_current = account.session_epoch == locked.session_epoch
        # Whoever comes now has not caused it: the event has neither their address nor their agent.
        with origin.serving(Origin):
            _carry_out(locked, reset, keep=keep)
        if was_current:
            account.session_epoch = locked.session_epoch
        return True


def carry_out_due() -> int:
    """Carry out all resets that are due, each in a transaction of its own; returns their number.

    An account that somebody else holds is left for the next run.
    """
    due = FactorReset.objects.filter(effective_at__lte=clock.now())
    done = 0
    for key in list(due.order_by("effective_at").values_list("pk", flat=True)):
        with transaction.atomic():
            account = Account.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=key).first()
            done += account is not None and carry_out(account)
    return done


def _locked(account: Account) -> Account | None:
    return Account.objects.select_for_update(no_key=True).filter(pk=account.pk).first()


def _carry_out(account: Account, reset: FactorReset, *, keep: uuid.UUID | None = None) -> None:
    """Carry it out for an account whose row is locked."""
    # Sessions before browsers, as all do who lock both.
    account.end_sessions(keep=keep)
    forget_all(account)
    events.record(EventType.FACTORS_RESET, subject=account.pk, actor=reset.actor, cause=reset.reason)
    notices.tell(account, Template.FACTORS_RESET)

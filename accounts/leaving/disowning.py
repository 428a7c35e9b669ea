"""Disown a registration: the holder of a mailbox deletes what somebody registered with its address (S85)."""

from django.db import transaction

from accounts.guard import events, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.leaving.deletion import erase, refuse_staff
from accounts.mails import codes
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import Purpose
from accounts.people.attempts import attempt
from accounts.shared.caller import Caller
from accounts.verification.models import PendingRegistration

TOKEN = ("token",)


def disown_registration(*, token: str, caller: Caller) -> None:
    """Delete the registration, or the account that was never verified, with the token of its verification link.

    Raises InvalidCode; ExpiredCode, also once the address was verified; StaffAccount; RateLimited.
    """
    with attempt(Action.CODE, EventType.DISOWN_FAILED, address="", caller=caller), codes.naming(TOKEN):
        code = codes.by_link(token, Purpose.VERIFY)
        # Nothing is kept of where people are who have nothing to do with this service.
        with transaction.atomic(), origin.acting(caller=Caller()):
            if code.registration_id:
                # Locked before its codes, as confirming does: they would wait for each other otherwise.
                registration = PendingRegistration.objects.select_for_update().filter(pk=code.registration_id).first()
                if registration is None:
                    raise ExpiredCode
                codes.spend(code)
                registration.delete()
                events.record(EventType.DISOWNED, subject=None)
                return
            account = codes.locked_holder(code)
            if account.email_verified:
                raise ExpiredCode
            refuse_staff(account)
            codes.spend(code)
            events.record(EventType.DISOWNED, subject=account.pk)
            erase(account)

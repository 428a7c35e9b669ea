"""The journeys of this room, with a grace period or a mailed link: see tests/guard/journeys.py."""

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from accounts.mails import codes
from accounts.mails.models import Purpose
from accounts.people.models import Account
from accounts.verification.models import PendingRegistration
from tests.factories import make_account
from tests.guard.journeys import Call, World, journey


@journey("deleteAccount", "closed for a grace period")
def delete_account_later(world: World) -> Call:
    """With a verified address."""
    world.settings.LATCHKEY = replace(world.settings.LATCHKEY, deletion_grace_days=30)
    token = world.me.access_token
    Account.objects.update(email_verified=True)
    return Call({}, token)


def leaving() -> str:
    """The token that opens an account again."""
    account = make_account(email_verified=True)
    code = codes.create(Purpose.CANCEL_DELETION, email=account.email, lifetime=600, account=account)
    due = timezone.now() + timedelta(minutes=10)
    Account.objects.filter(pk=account.pk).update(is_active=False, deletion_due_at=due)
    return codes.link_token(code)


@journey("cancelAccountDeletion")
def cancel_account_deletion(_world: World) -> Call:
    """With the mailed link."""
    return Call({"token": leaving()})


@journey("cancelAccountDeletion", "refused")
def cancel_account_deletion_wrongly(_world: World) -> Call:
    """With a made-up one."""
    leaving()
    return Call({"token": "a-token-of-nobody"})


def registered() -> str:
    """The token of the link that verifies an account."""
    account = make_account()
    return codes.link_token(codes.create(Purpose.VERIFY, email=account.email, lifetime=600, account=account))


@journey("disownRegistration")
def disown_registration(_world: World) -> Call:
    """An account that was never verified."""
    return Call({"token": registered()})


@journey("disownRegistration", "a pending registration")
def disown_pending_registration(_world: World) -> Call:
    """It is no account yet."""
    names = {"email": "ada@example.com", "username": "ada", "first_name": "Ada", "password": "!"}
    later = timezone.now() + timedelta(minutes=10)
    pending = PendingRegistration.objects.create(locale="en", expires_at=later, **names)
    code = codes.create(Purpose.VERIFY, email=pending.email, lifetime=600, registration_key=pending.pk)
    return Call({"token": codes.link_token(code)})


@journey("disownRegistration", "refused")
def disown_registration_wrongly(_world: World) -> Call:
    """With a made-up link."""
    registered()
    return Call({"token": "a-token-of-nobody"})

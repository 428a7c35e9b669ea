"""Delete one's own account."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.conf import latchkey
from accounts.guard import events, origin
from accounts.guard.events import EventType
from accounts.leaving import holdings
from accounts.mails import codes
from accounts.mails.holders import mail_code
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.social import challenges as social_challenges
from accounts.social.revocation import revoke_at_apple
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer
from accounts.tokens.proof import require_recent_proof


class StaffAccount(Exception):
    """The account belongs to the administration: its holder cannot delete it."""


def delete_account(*, bearer: Bearer, caller: Caller, apple_code: str = "") -> datetime:
    """Delete the bearer's account and everything that is about it; returns when.

    With a grace period, the account is closed now and deleted later: its address is mailed a link that undoes it. An
    unverified address may be somebody else's: such an account is deleted at once.

    With a fresh code of Apple, Apple is told first; if it does not confirm, nothing is deleted. Raises StaffAccount,
    ReauthenticationRequired; with a code also ProviderRejected, ProviderUnavailable, RateLimited; InvalidToken.
    """
    key, client = bearer.account.pk, bearer.client_name
    with events.failures(EventType.DELETE_FAILED, subject=lambda: key, client=client, caller=caller):
        require_recent_proof(bearer)
        refuse_staff(bearer.account)
        if apple_code:
            revoke_at_apple(apple_code, bearer=bearer, caller=caller)
        with transaction.atomic(), origin.acting(key, client=client):
            account = bearer_tokens.locked_account(bearer)
            refuse_staff(account)
            if latchkey().deletion_grace_days and account.email_verified:
                return _schedule(account, client_key=bearer.client_id)
            # The event of the deletion has no address and no agent, as those before it from now on.
            with origin.acting(caller=Caller()):
                erase(account)
    return timezone.now()


def erase(account: Account) -> None:
    """Delete the account, whose row is locked, with everything that points to it. `Account.delete` records it.

    Nothing that runs at the same time survives or is left behind: refreshes and exchanges of codes are waited for, and
    whatever comes later waits for this transaction, and then finds no account.
    """
    # Before the row is locked against new foreign keys: a refresh under way needs it for its own.
    account.end_sessions()
    Account.objects.select_for_update().get(pk=account.pk)
    social_challenges.forget(account)
    holdings.release(account)
    account.delete()


def _schedule(account: Account, *, client_key: int) -> datetime:
    """Close the account, whose row is locked, until the grace period is over: `purge_accounts` deletes it then."""
    lifetime = timedelta(days=latchkey().deletion_grace_days)
    due = timezone.now().replace(microsecond=0) + lifetime
    account.is_active, account.deletion_due_at = False, due
    account.save(update_fields={"is_active", "deletion_due_at"})
    social_challenges.forget(account)
    codes.withdraw(account)
    mail_code(
        account,
        Template.DELETION_SCHEDULED,
        Purpose.CANCEL_DELETION,
        client_key=client_key,
        lifetime=int(lifetime.total_seconds()),
        due=due.isoformat(),
    )
    events.record(EventType.DELETION_SCHEDULED, subject=account.pk)
    return due


def refuse_staff(account: Account) -> None:
    """Keep the accounts of the administration: otherwise its last member could lock everyone out of it.

    And the log of what a member of staff did, which Django deletes with the account, would end with a click.
    """
    if account.is_staff or account.is_superuser:
        raise StaffAccount

"""Acts of operators and programs on accounts, through the functions that mutations and the administration use."""

import uuid

from django.conf import settings
from django.db import transaction

from accounts.errors import InvalidInput, NotFound
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.leaving import deletion
from accounts.passwords.forms import InvitationForm, RegistrationForm
from accounts.passwords.reset import mail_reset
from accounts.people.forms import store, validated
from accounts.people.models import Account
from accounts.shared.texts import canonical_email
from accounts.tokens.clients import known_client


def key_of(named: str) -> uuid.UUID:
    """The id of an account that is named by its id or its e-mail address; an id may be that of a deleted account.

    Raises InvalidInput; NotFound for an unknown address.
    """
    if "@" not in named:
        try:
            return uuid.UUID(named)
        except ValueError:
            raise InvalidInput(field=("account",)) from None
    if not named.isprintable():
        # No address is so, and PostgreSQL text cannot hold NUL.
        raise NotFound(field=("account",))
    key = Account.objects.filter(email=canonical_email(named)).values_list("pk", flat=True).first()
    if key is None:
        raise NotFound(field=("account",))
    return key


def find(named: str) -> Account:
    """The account with this id or e-mail address. Raises InvalidInput, NotFound."""
    account = Account.objects.filter(pk=key_of(named)).first()
    if account is None:
        raise NotFound(field=("account",))
    return account


def create(
    *,
    email: str,
    username: str,
    first_name: str,
    last_name: str,
    locale: str,
    password: str | None,
    verified: bool,
    mail_link: bool,
    client_id: str | None,
) -> Account:
    """Create an account; without a password its holder cannot sign in with one until they choose it.

    `mail_link` mails a link for that, which opens the pages of the client; it verifies the address. An empty `locale`
    is that of the service.

    Raises ValidationFailed with all failures of all fields; InvalidClient.
    """
    form = (InvitationForm if password is None else RegistrationForm)(
        {
            "email": email,
            "username": username,
            "first_name": first_name,
            "last_name": last_name,
            "locale": locale or settings.LANGUAGE_CODE,
            "password": password,
        }
    )
    client_key = known_client(client_id).pk if client_id else None
    account = validated(form, email_verified=verified)
    with transaction.atomic():
        store(form, account)
        events.record(EventType.REGISTERED, subject=account.pk)
        if mail_link:
            mail_reset(account, client_key)
    return account


@transaction.atomic
def switch(account: Account, *, active: bool) -> bool:
    """Disable or enable an account; says whether it was not before. To enable it withdraws a scheduled deletion."""
    # Not one that is closed until its deletion: to disable it again would cancel that.
    row = Account.objects.filter(pk=account.pk).exclude(is_active=active).select_for_update(no_key=True).first()
    if row is None:
        return False
    was_leaving = row.deletion_due_at is not None
    row.is_active = active
    row.save(update_fields={"is_active"})
    if was_leaving:
        events.record(EventType.DELETION_CANCELLED, subject=row.pk)
    return True


@transaction.atomic
def delete(account: Account) -> None:
    """Delete an account with everything that is about it, at once. Raises StaffAccount; NotFound if it is gone."""
    row = Account.objects.filter(pk=account.pk).select_for_update(no_key=True).first()
    if row is None:
        raise NotFound(field=("account",))
    deletion.refuse_staff(row)
    deletion.erase(row)

"""Rename passkeys, and remove them."""

import uuid

from django.db import transaction

from accounts.errors import NotFound, Required
from accounts.factors import webauthn
from accounts.factors.models import Passkey
from accounts.factors.passkeys import passkeys_of
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.mfa import enrolling
from accounts.passkeys import naming
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.social import links
from accounts.social.errors import LastSignInMethod
from accounts.tokens.api import Bearer, locked_account
from accounts.tokens.proof import require_recent_proof


def rename(*, bearer: Bearer, key: uuid.UUID | None, name: str, caller: Caller) -> Passkey:
    """Give a passkey of the account another name; None stands for a malformed id.

    Raises NotFound, also for another account's; Required, TooLong; InvalidToken.
    """
    with enrolling.changing(bearer, caller):
        name = naming.cleaned(name)
        if not name:
            raise Required(field=("name",))
        with transaction.atomic():
            account = locked_account(bearer)
            passkey = _own(key, account)
            passkey.name = name
            passkey.save(update_fields=["name"])
            events.record(EventType.PASSKEY_RENAMED, subject=account.pk, actor=account.pk)
            return passkey


def remove(*, bearer: Bearer, key: uuid.UUID | None, caller: Caller) -> Account:
    """Remove a passkey of the account, and tell its holder; None stands for a malformed id.

    Raises NotFound, also for another account's; LastSignInMethod if it is the last way to sign in (S38);
    ReauthenticationRequired; InvalidToken.
    """
    with enrolling.changing(bearer, caller):
        require_recent_proof(bearer)
        with transaction.atomic():
            account = locked_account(bearer)
            passkey = _own(key, account)
            if passkey.can_sign_in and not _signs_in_without(passkey, account):
                raise LastSignInMethod
            passkey.delete()
            enrolling.was_removed(account)
            events.record(EventType.PASSKEY_REMOVED, subject=account.pk, actor=account.pk)
            notices.tell(account, Template.PASSKEY_REMOVED, client_key=bearer.client_id, name=passkey.name)
            return account


def _own(key: uuid.UUID | None, account: Account) -> Passkey:
    passkey = passkeys_of(account).filter(pk=key).first() if key else None
    if passkey is None:
        raise NotFound(field=("id",))
    return passkey


def _signs_in_without(passkey: Passkey, account: Account) -> bool:
    """Whether the account has another way to sign in. That by mail does not count, as in `social.links`."""
    return account.has_usable_password() or webauthn.can_sign_in(account, without=passkey) or links.has_working(account)

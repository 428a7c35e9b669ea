"""The identities that are linked to an account, and its other ways to sign in."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.utils.dateparse import parse_datetime
from social_django.models import UserSocialAuth

from accounts.conf import latchkey
from accounts.errors import NotFound
from accounts.factors.webauthn import can_sign_in
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account
from accounts.social.errors import LastSignInMethod


class SignInMethod(Enum):
    """A first factor."""

    PASSWORD = "password"  # noqa: S105 - a name
    SOCIAL = "social"
    EMAIL_CODE = "email_code"
    PASSKEY = "passkey"


@dataclass(frozen=True, kw_only=True)
class LinkedIdentity:
    """A linked account at a provider, as its holder sees it."""

    id: uuid.UUID
    provider: str
    label: str
    email: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: UserSocialAuth) -> "LinkedIdentity":
        """Read a row of social_django. Its own key is a sequence, which would reveal the number of links (S65)."""
        extra = row.extra_data if isinstance(row.extra_data, dict) else {}
        labels = {provider.name: provider.label for provider in latchkey().providers}
        return cls(
            id=uuid.uuid5(uuid.NAMESPACE_URL, f"{row.provider}:{row.uid}"),
            provider=row.provider,
            label=labels.get(row.provider, row.provider),
            email=extra.get("email") or "",
            created_at=row.created,
            last_used_at=parse_datetime(extra.get("last_used_at") or ""),
        )


def linked_identities(account: Account) -> list[LinkedIdentity]:
    """The account's identities, oldest first."""
    return [LinkedIdentity.of(row) for row in _rows(account)]


def sign_in_methods(account: Account) -> list[SignInMethod]:
    """The ways in which the account can sign in now.

    By mail only with a verified address: otherwise that would take the account's password and identities away.
    """
    methods = {
        SignInMethod.PASSWORD: account.has_usable_password(),
        SignInMethod.SOCIAL: has_working(account),
        SignInMethod.EMAIL_CODE: latchkey().sign_in_by_mail and account.email_verified,
        SignInMethod.PASSKEY: can_sign_in(account),
    }
    return [method for method, is_open in methods.items() if is_open]


def has_working(account: Account) -> bool:
    """Whether the account can sign in through a provider that is still switched on."""
    return any(map(_works, _rows(account)))


def removable(identity: uuid.UUID | None, *, account: Account) -> UserSocialAuth:
    """The row of an identity that its account can do without.

    Raises NotFound; LastSignInMethod if it is the last way to sign in (S38). Signing in by mail does not count: the
    setting may change, and so may the address.
    """
    rows = _rows(account)
    row = next((row for row in rows if LinkedIdentity.of(row).id == identity), None)
    if row is None:
        raise NotFound(field=("id",))
    has_another = account.has_usable_password() or any(_works(other) for other in rows if other != row)
    if not has_another and not can_sign_in(account):
        raise LastSignInMethod
    return row


def unlink(identity: uuid.UUID | None, *, account: Account) -> LinkedIdentity:
    """Remove an identity from its account, whose row is locked, so that of two concurrent removals one fails.

    Returns what it was. Raises NotFound, LastSignInMethod.
    """
    row = removable(identity, account=account)
    row.delete()
    events.record(EventType.UNLINKED, subject=account.pk, cause=row.provider)
    return LinkedIdentity.of(row)


def _rows(account: Account) -> list[UserSocialAuth]:
    return list(UserSocialAuth.objects.filter(user=account).order_by("pk"))


def _works(row: UserSocialAuth) -> bool:
    """Whether its provider is still switched on."""
    return any(row.provider == provider.name for provider in latchkey().providers)

"""The identities that an account can sign in with, and what other ways in it has."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.utils.dateparse import parse_datetime
from social_django.models import UserSocialAuth

from accounts.conf import latchkey
from accounts.exceptions import LastSignInMethod, NotFound
from accounts.models import Account


class SignInMethod(Enum):
    """A first factor."""

    PASSWORD = "password"  # noqa: S105 - a name
    SOCIAL = "social"


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
        """A row of social_django's. Its own key is a sequence, which would count the links of everybody (S65)."""
        told = row.extra_data if isinstance(row.extra_data, dict) else {}
        labels = {provider.name: provider.label for provider in latchkey().providers}
        return cls(
            id=uuid.uuid5(uuid.NAMESPACE_URL, f"{row.provider}:{row.uid}"),
            provider=row.provider,
            label=labels.get(row.provider, row.provider),
            email=told.get("email") or "",
            created_at=row.created,
            last_used_at=parse_datetime(told.get("last_used_at") or ""),
        )


def linked_identities(account: Account) -> list[LinkedIdentity]:
    """Oldest first."""
    return [LinkedIdentity.of(row) for row in _rows(account)]


def sign_in_methods(account: Account) -> list[SignInMethod]:
    """How the account can sign in now."""
    password = [SignInMethod.PASSWORD] if account.has_usable_password() else []
    return password + ([SignInMethod.SOCIAL] if any(map(_works, _rows(account))) else [])


def unlink(identity: uuid.UUID, *, account: Account) -> None:
    """Take an identity from its account, whose row is locked: of two that are left, two removals at once leave one.

    Raises NotFound; LastSignInMethod, and nothing is taken (S38).
    """
    rows = _rows(account)
    row = next((row for row in rows if LinkedIdentity.of(row).id == identity), None)
    if row is None:
        raise NotFound(field=("id",))
    if not account.has_usable_password() and not any(_works(other) for other in rows if other != row):
        raise LastSignInMethod
    row.delete()


def _rows(account: Account) -> list[UserSocialAuth]:
    return list(UserSocialAuth.objects.filter(user=account).order_by("pk"))


def _works(row: UserSocialAuth) -> bool:
    """Whether its provider is still switched on."""
    return any(row.provider == provider.name for provider in latchkey().providers)

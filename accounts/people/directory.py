"""Public profiles, and who may read them."""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from accounts.conf import Visibility, latchkey
from accounts.people.models import Account
from accounts.shared.keyset import Part, Parts


class Profile(NamedTuple):
    """The public part of an account."""

    pk: uuid.UUID
    username: str
    date_joined: datetime
    first_name: str | None
    """None where the deployment keeps names private, as `last_name`."""
    last_name: str | None


def readable_by(viewer: Account | None) -> bool:
    """Whether the viewer, None when signed out, may read public profiles at all (S48)."""
    match latchkey().users_visibility:
        case Visibility.PUBLIC:
            return True
        case Visibility.AUTHENTICATED:
            return viewer is not None
        case Visibility.STAFF:
            return viewer is not None and viewer.is_staff


def profiles_for(viewer: Account | None, part: Part) -> list[Profile]:
    """This part of the active accounts, newest first; empty if the viewer may not read public profiles."""
    return _profiles(_parts.rows(part)) if readable_by(viewer) else []


def profiles_with(keys: list[uuid.UUID], viewer: Account | None) -> list[Profile]:
    """Those of `profiles_for` that have these keys."""
    if not readable_by(viewer):
        return []
    return _profiles(Account.objects.filter(is_active=True, pk__in=keys).values_list(*Profile._fields))


def profile_of(account: Account) -> Profile:
    """The profile of an account, active or not, for its holder."""
    (profile,) = _profiles([[getattr(account, name) for name in Profile._fields]])
    return profile


def _profiles(rows: Any) -> list[Profile]:
    if latchkey().public_names:
        return [Profile(*row) for row in rows]
    return [Profile(*row)._replace(first_name=None, last_name=None) for row in rows]


_parts = Parts(Account, lambda: Account.objects.filter(is_active=True).values_list(*Profile._fields), by="date_joined")

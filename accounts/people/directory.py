"""Public profiles, and who may read them."""

import uuid
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from accounts.conf import Visibility, latchkey
from accounts.people.models import Account
from accounts.people.usernames import LONGEST_USERNAME, username_key
from accounts.shared.keyset import Part, Parts
from accounts.shared.statements import Select, parameter


class OrderField(Enum):
    """What a list of profiles can be ordered by; the value is the column, which an index of active accounts has."""

    DATE_JOINED = "date_joined"
    USERNAME = "username_key"


class Order(NamedTuple):
    """An order of profiles. The primary key tells equal ones apart."""

    field: OrderField
    descending: bool


NEWEST_FIRST = Order(OrderField.DATE_JOINED, descending=True)


class Profile(NamedTuple):
    """The public part of an account."""

    pk: uuid.UUID
    username: str
    date_joined: datetime
    first_name: str | None
    """None where the deployment keeps names private, as `last_name`."""
    last_name: str | None
    username_key: str
    """The form of the username that is ordered and looked up."""


def readable_by(viewer: Account | None) -> bool:
    """Whether the viewer, None when signed out, may read public profiles at all (S48)."""
    match latchkey().users_visibility:
        case Visibility.PUBLIC:
            return True
        case Visibility.AUTHENTICATED:
            return viewer is not None
        case Visibility.STAFF:
            return viewer is not None and viewer.is_staff


def profiles_for(viewer: Account | None, part: Part, order: Order = NEWEST_FIRST) -> list[Profile]:
    """This part of the active accounts in this order; empty if the viewer may not read public profiles."""
    if not readable_by(viewer):
        return []
    return _profiles(_parts[order.field].rows(part if order.descending else part.turned()))


def profiles_with(keys: list[uuid.UUID], viewer: Account | None) -> list[Profile]:
    """Those of `profiles_for` that have these keys."""
    if not readable_by(viewer):
        return []
    return _profiles(Account.objects.filter(is_active=True, pk__in=keys).values_list(*Profile._fields))


def profile_named(username: str, viewer: Account | None) -> Profile | None:
    """The one of `profiles_for` with this username, in upper and lower case alike."""
    # No account can match these: a longer one costs work (S80), and PostgreSQL's text has no NUL.
    if not readable_by(viewer) or len(username) > LONGEST_USERNAME or "\0" in username:
        return None
    return next(iter(_profiles(_named.rows(username_key=username_key(username)))), None)


def profile_of(account: Account) -> Profile:
    """The profile of an account, active or not, for its holder."""
    (profile,) = _profiles([[getattr(account, name) for name in Profile._fields]])
    return profile


def _profiles(rows: Any) -> list[Profile]:
    if latchkey().public_names:
        return [Profile(*row) for row in rows]
    return [Profile(*row)._replace(first_name=None, last_name=None) for row in rows]


def _listed() -> Any:
    return Account.objects.filter(is_active=True).values_list(*Profile._fields)


_parts = {field: Parts(Account, _listed, by=field.value) for field in OrderField}
_named = Select(Account, lambda: _listed().filter(username_key=parameter(Account, "username_key")))

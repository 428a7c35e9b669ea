"""The visibility rule for public profiles."""

from django.db.models import QuerySet

from accounts.conf import Visibility, latchkey
from accounts.people.models import Account


def readable_by(viewer: Account | None) -> bool:
    """Whether the viewer, None when signed out, may read public profiles at all (S48)."""
    match latchkey().users_visibility:
        case Visibility.PUBLIC:
            return True
        case Visibility.AUTHENTICATED:
            return viewer is not None
        case Visibility.STAFF:
            return viewer is not None and viewer.is_staff


def profiles_for(viewer: Account | None, accounts: QuerySet[Account] | None = None) -> QuerySet[Account]:
    """The active accounts, newest first; empty if the viewer may not read public profiles."""
    accounts = Account.objects.all() if accounts is None else accounts
    if not readable_by(viewer):
        return accounts.none()
    return accounts.filter(is_active=True).order_by("-date_joined", "-pk")

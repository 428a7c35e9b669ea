"""The roles of an account, for its own front end: the service and the administration decide for themselves."""

from django.db.models import prefetch_related_objects

from accounts.people.models import Account


def groups_of(account: Account) -> list[str]:
    """The names of its groups."""
    # Kept on the object: to ask again sends no statement.
    prefetch_related_objects([account], "groups")
    return sorted(group.name for group in account.groups.all())


def permissions_of(account: Account) -> list[str]:
    """What it may do, directly and through groups, as `app.codename`; a superuser everything."""
    # Django keeps them on the object.
    return sorted(account.get_all_permissions())

"""S58: a new address and other rights are recorded, however they come about: both can be steps of a takeover."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from tests.api import ME
from tests.factories import make_account
from tests.people.test_admin import admin, form_of, page

__all__ = ["admin"]

EMAIL, PRIVILEGES = "account:email:change", "account:privileges:change"


def recorded(account: Account) -> list[tuple[str, str]]:
    """The changes that are recorded of the account, with their causes."""
    events = SecurityEvent.objects.filter(subject=account.pk, type__in=[EMAIL, PRIVILEGES])
    return list(events.order_by("type", "cause").values_list("type", "cause"))


def save(account: Account, **values: object) -> None:
    """All columns of an object."""
    for name, value in values.items():
        setattr(account, name, value)
    account.save()


def save_only(account: Account, **values: object) -> None:
    """These columns of an object."""
    for name, value in values.items():
        setattr(account, name, value)
    account.save(update_fields=list(values))


def update(account: Account, **values: object) -> None:
    """Without an object."""
    Account.objects.filter(pk=account.pk).update(**values)


def bulk_update(account: Account, **values: object) -> None:
    """A value for each."""
    for name, value in values.items():
        setattr(account, name, value)
    Account.objects.bulk_update([account, make_account()], list(values))


WAYS = pytest.mark.parametrize("change", [save, save_only, update, bulk_update])


@WAYS
def test_a_new_address_is_recorded(account, change):
    """Without the address: the event outlives the account."""
    change(account, email="new@example.com")

    assert recorded(account) == [(EMAIL, "")]


@WAYS
@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_rights_that_are_given_and_taken_are_recorded(account, change, flag):
    """Which ones, and in which direction."""
    change(account, **{flag: True})
    change(account, **{flag: False})

    assert recorded(account) == [(PRIVILEGES, f"{flag} given"), (PRIVILEGES, f"{flag} taken")]


@WAYS
def test_several_changes_at_once_are_all_recorded(account, change):
    """An address, and both rights."""
    change(account, email="new@example.com", is_staff=True, is_superuser=True)

    assert recorded(account) == [(EMAIL, ""), (PRIVILEGES, "is_staff given"), (PRIVILEGES, "is_superuser given")]


@WAYS
def test_what_is_no_change_is_not_recorded(account, change):
    """The same values, and those of others."""
    change(account, email=account.email, is_staff=False, first_name="Augusta")

    assert SecurityEvent.objects.count() == 0


def test_sessions_continue(graphql, signed_in):
    """A new address is no reason to end them, and rights in the administration are not those of tokens."""
    update(signed_in.account, email="new@example.com", is_staff=True)
    save(Account.objects.get(pk=signed_in.account.pk), email="newer@example.com", is_staff=False)

    assert graphql(ME, token=signed_in.access_token).data["me"]["email"] == "newer@example.com"


@pytest.fixture
def sales(db):
    """A group."""
    return Group.objects.create(name="Sales")


@pytest.mark.parametrize(
    ("give", "take"),
    [
        (lambda account, group: account.groups.add(group), lambda account, group: account.groups.remove(group)),
        (lambda account, group: account.groups.set([group]), lambda account, group: account.groups.clear()),
        (lambda account, group: group.user_set.add(account), lambda account, group: group.user_set.remove(account)),
        (lambda account, group: group.user_set.set([account]), lambda account, group: group.user_set.clear()),
    ],
    ids=["of the account", "all of the account", "of the group", "all of the group"],
)
def test_groups_are_recorded(account, sales, give, take):
    """From either side; what was so before is no change."""
    take(account, sales)
    give(account, sales)
    give(account, sales)
    take(account, sales)
    take(account, sales)

    assert recorded(account) == [(PRIVILEGES, "groups given: Sales"), (PRIVILEGES, "groups taken: Sales")]


def test_permissions_are_recorded(account):
    """Several at once in one event."""
    some = Permission.objects.filter(codename__in=["view_account", "change_account"])
    account.user_permissions.set(some)
    account.user_permissions.clear()

    assert recorded(account) == [
        (PRIVILEGES, "permissions given: change_account, view_account"),
        (PRIVILEGES, "permissions taken: change_account, view_account"),
    ]


def test_a_change_that_is_undone_is_not_recorded(account, sales):
    """Both or neither."""
    with transaction.atomic():
        save(account, email="new@example.com", is_staff=True)
        account.groups.add(sales)
        transaction.set_rollback(True)

    assert recorded(account) == []


def test_the_administration_is_recorded(admin, account, sales):
    """With the member of staff, and from where."""
    address = page("account", "change", account.pk)
    given = {**form_of(admin.get(address)), "email": "new@example.com", "is_staff": "on", "groups": [sales.pk]}

    assert admin.post(address, given).status_code == 302

    assert recorded(account) == [(EMAIL, ""), (PRIVILEGES, "groups given: Sales"), (PRIVILEGES, "is_staff given")]
    root = Account.objects.get(email="root@example.com")
    origins = SecurityEvent.objects.filter(subject=account.pk).values_list("actor", "ip_address")
    assert set(origins) == {(root.pk, "127.0.0.1")}


@pytest.mark.parametrize("field", ["email", "is_staff", "is_superuser"])
def test_an_upsert_cannot_change_them(account, field):
    """The database would change the row, and nobody would know which."""
    same = Account(email=account.email, username=account.username, first_name="X", is_staff=True, password="x")

    with pytest.raises(ValueError, match="recorded"):
        Account.objects.bulk_create([same], update_conflicts=True, unique_fields=["email"], update_fields=[field])

    assert not Account.objects.get(pk=account.pk).is_staff

"""S82: however a password changes or an account is shut, it is recorded, with who did it."""

import io

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from tests.api import ME, PASSWORD, REFRESH, codes
from tests.factories import make_account
from tests.people.test_admin import STAFF_PASSWORD, admin, form_of, page  # noqa: F401 - a fixture
from tests.tokens.test_session_ends import (
    NEW,
    bulk_update_inactive,
    change_password_by_command,
    renew_the_hash,
    reopen_by_save,
    reopen_by_update,
    save_inactive,
    save_inactive_only,
    save_no_password,
    save_password,
    save_password_only,
    touch,
    touch_by_update,
    update_inactive,
    update_password,
)

PASSWORD_CHANGES = [save_password, save_password_only, save_no_password, update_password, change_password_by_command]
SHUTS = [save_inactive, save_inactive_only, update_inactive, bulk_update_inactive]


CHANGES = [EventType.PASSWORD_CHANGED, EventType.DISABLED, EventType.ENABLED]


def types(account) -> list[str]:
    """The changes that are recorded of the account, oldest first."""
    changes = SecurityEvent.objects.filter(subject=account.pk, type__in=CHANGES)
    return list(changes.order_by("created_at").values_list("type", flat=True))


def actors(account) -> set[object]:
    """Who did it."""
    changes = SecurityEvent.objects.filter(subject=account.pk, type__in=CHANGES)
    return set(changes.values_list("actor", flat=True))


def is_over(graphql, signed_in) -> bool:
    """Whether neither token of the session opens anything."""
    refreshed = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]
    return codes(refreshed) == ["INVALID_GRANT"] and graphql(ME, token=signed_in.access_token).status == 401


@pytest.mark.parametrize("change", PASSWORD_CHANGES)
def test_a_new_password_is_recorded(account, change):
    """Once, whichever way it was set; nobody is known to have done it."""
    change(account)

    assert types(account) == ["account:password:change"]
    assert actors(account) == {None}


@pytest.mark.parametrize("shut", SHUTS)
@pytest.mark.parametrize("reopen", [reopen_by_save, reopen_by_update])
def test_shutting_and_opening_are_recorded(account, shut, reopen):
    """Each once."""
    shut(account)
    reopen(account)

    assert types(account) == ["account:disable", "account:enable"]


@pytest.mark.parametrize("change", [touch, touch_by_update, renew_the_hash])
def test_what_is_no_change_is_not_recorded(account, change):
    """Neither is a hash that is renewed."""
    change(Account.objects.get(pk=account.pk))

    assert types(account) == []


def test_both_at_once_are_both_recorded(account):
    """By one statement, or by one save."""
    other = make_account(password=NEW)

    Account.objects.filter(pk=account.pk).update(password=other.password, is_active=False)
    account.refresh_from_db()
    account.set_password(PASSWORD)
    account.is_active = True
    account.save()

    assert sorted(types(account)) == sorted(["account:password:change"] * 2 + ["account:disable", "account:enable"])


def test_only_accounts_that_change_are_recorded(account):
    """Not those that were disabled before, and not others."""
    shut, bystander = make_account(is_active=False), make_account()

    Account.objects.exclude(pk=bystander.pk).update(is_active=False)

    assert types(account) == ["account:disable"]
    assert types(shut) == types(bystander) == []


def test_a_change_that_is_undone_is_not_recorded(account):
    """Both or neither."""
    with transaction.atomic():
        save_password(account)
        update_inactive(account)
        transaction.set_rollback(True)

    assert types(account) == []


def test_the_accounts_of_a_group_are_shut_as_others(graphql, signed_in):
    """Related managers, too, end sessions and record."""
    group = Group.objects.create(name="Sales")
    group.user_set.add(signed_in.account)

    group.user_set.update(is_active=False)
    group.user_set.update(is_active=True)

    assert types(signed_in.account) == ["account:disable", "account:enable"]
    assert is_over(graphql, signed_in)


def test_the_form_for_others_is_recorded(admin, graphql, signed_in):  # noqa: F811
    """S82: with the member of staff, and from where; sessions end."""
    address = reverse("admin:auth_user_password_change", args=[signed_in.account.pk])
    admin.post(address, {"password1": NEW, "password2": NEW, "usable_password": "true"})

    assert types(signed_in.account) == ["account:password:change"]
    event = SecurityEvent.objects.get(subject=signed_in.account.pk, type=EventType.PASSWORD_CHANGED)
    assert event.actor == Account.objects.get(email="root@example.com").pk
    assert (event.ip_address, len(event.request_id)) == ("127.0.0.1", 32)
    assert is_over(graphql, signed_in)


def test_taking_the_password_away_is_recorded(admin, graphql, signed_in):  # noqa: F811
    """S82: by the same form."""
    address = reverse("admin:auth_user_password_change", args=[signed_in.account.pk])
    admin.post(address, {"usable_password": "false", "unset-password": "Disable"})

    assert not Account.objects.get(pk=signed_in.account.pk).has_usable_password()
    assert types(signed_in.account) == ["account:password:change"]
    assert is_over(graphql, signed_in)


def test_ones_own_password_page_is_recorded(admin, graphql, sign_in):  # noqa: F811
    """S82: the page itself continues, tokens do not."""
    root = Account.objects.get(email="root@example.com")
    Account._base_manager.filter(pk=root.pk).update(password=make_account().password)
    session = sign_in(root)
    Account._base_manager.filter(pk=root.pk).update(password=root.password)

    given = {"old_password": STAFF_PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert admin.post(reverse("admin:password_change"), given).status_code == 302

    assert types(root) == ["account:password:change"]
    assert actors(root) == {root.pk}
    assert is_over(graphql, session)
    assert admin.get("/admin/").status_code == 200


def test_unticking_active_and_ticking_it_again_revives_nothing(admin, graphql, signed_in):  # noqa: F811
    """S82: tokens, and a session in the administration."""
    address = page("account", "change", signed_in.account.pk)
    given = form_of(admin.get(address))
    given.pop("is_active")

    admin.post(address, given)
    assert is_over(graphql, signed_in)
    admin.post(address, {**given, "is_active": "on"})

    assert types(signed_in.account) == ["account:disable", "account:enable"]
    assert actors(signed_in.account) == {Account.objects.get(email="root@example.com").pk}
    assert is_over(graphql, signed_in)


def test_a_session_of_the_administration_is_not_revived(admin):  # noqa: F811
    """S82: Django alone would let it in again, since the password is the same."""
    root = Account.objects.get(email="root@example.com")

    for is_active in (False, True):
        root.is_active = is_active
        root.save()

    assert admin.get("/admin/").status_code == 302


def test_a_password_of_a_new_account_is_no_change(db):
    """By command, as by the API."""
    call_command(
        "createsuperuser", email="a@example.com", username="a", first_name="A", interactive=False, stdout=io.StringIO()
    )

    assert types(Account.objects.get()) == []


@pytest.mark.parametrize("field", ["password", "is_active"])
def test_an_upsert_cannot_change_what_ends_sessions(account, field):
    """S82: the database would change the row, and nobody would know which."""
    same = Account(email=account.email, username=account.username, first_name="X", is_active=False, password="x")

    with pytest.raises(ValueError, match="sessions"):
        Account.objects.bulk_create([same], update_conflicts=True, unique_fields=["email"], update_fields=[field])

    assert Account.objects.get(pk=account.pk).is_active
    assert types(account) == []


def delete_one(account):
    """Object by object."""
    account.delete()


def delete_many(account):
    """A query."""
    Account.objects.order_by("email").filter(pk=account.pk).delete()


@pytest.mark.parametrize("delete", [delete_one, delete_many])
def test_a_deletion_is_recorded(account, delete):
    """The record outlives the account."""
    key = account.pk

    delete(account)

    assert SecurityEvent.objects.get(subject=key).type == "account:delete"


def test_a_deletion_in_the_administration_is_recorded(admin, account):  # noqa: F811
    """One, and a selection."""
    other = make_account()
    root = Account.objects.get(email="root@example.com")

    admin.post(page("account", "delete", account.pk), {"post": "yes"})
    admin.post(page("account"), {"action": "delete_selected", "_selected_action": [str(other.pk)], "post": "yes"})

    deleted = SecurityEvent.objects.filter(type=EventType.DELETED, actor=root.pk)
    assert {event.subject for event in deleted} == {account.pk, other.pk}

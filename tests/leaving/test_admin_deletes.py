"""An account that staff delete leaves as little behind as one that its holder deletes."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts.guard.models import SecurityEvent
from accounts.leaving.holdings import HOLDINGS
from accounts.people.models import Account
from tests.api import PASSWORD
from tests.factories import make_account
from tests.leaving.somebody import traces
from tests.leaving.test_delete_account import found


@pytest.fixture
def staff(admin_browser, db) -> Account:
    """A superuser, signed in to the administration."""
    account = make_account(is_staff=True, is_superuser=True)
    form = {"username": account.email, "password": PASSWORD}
    assert admin_browser.post("/admin/login/?next=/admin/", form).status_code == 302
    return account


def one_by_one(browser, account):
    """On its page."""
    return browser.post(reverse("admin:accounts_account_delete", args=[account.pk]), {"post": "yes"})


def by_action(browser, account):
    """In the list."""
    form = {"action": "delete_selected", "_selected_action": [str(account.pk)], "post": "yes"}
    return browser.post(reverse("admin:accounts_account_changelist"), form)


@pytest.mark.parametrize("delete", [one_by_one, by_action])
def test_nothing_is_left_but_what_is_kept_for_a_reason(admin_browser, staff, somebody, delete):
    """The log of the administration and the record of events keep the id alone."""
    assert delete(admin_browser, somebody.account).status_code == 302

    assert not Account.objects.filter(pk=somebody.account.pk).exists()
    key = somebody.account.pk
    assert found([text for text in traces(somebody.account) if text not in {str(key), key.hex}]) == {}
    assert found([str(key)]).keys() <= {holding.model for holding in HOLDINGS if holding.kept}
    assert LogEntry.objects.filter(user=staff, object_id=str(key), object_repr=str(key)).exists()


def test_the_record_names_who_did_it(admin_browser, staff, somebody):
    """S58: with the address of the member of staff."""
    one_by_one(admin_browser, somebody.account)

    event = SecurityEvent.objects.get(type="account:delete")
    assert (event.subject, event.actor, event.ip_address) == (somebody.account.pk, staff.pk, "127.0.0.1")

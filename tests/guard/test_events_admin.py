"""The administration shows what happened to accounts, and cannot change it."""

import uuid

import pytest
from django.contrib.auth.models import Permission

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from tests.factories import make_account
from tests.guard.test_security_events import happen
from tests.people.test_admin import admin, page  # noqa: F401 - a fixture


def shown(admin, **parameters: str) -> set[object]:  # noqa: F811
    """The ids of the events on the page."""
    response = admin.get(page("securityevent"), parameters)
    assert response.status_code == 200
    return {event.pk for event in response.context["cl"].result_list}


@pytest.fixture
def events(admin, account):  # noqa: F811
    """Of two accounts and of nobody, apart from those of the administrator."""
    SecurityEvent.objects.all().expire()
    return {
        "own": happen(account)[0],
        "other": happen(make_account(), request_id=uuid.uuid4().hex, actor=account.pk)[0],
        "nobody": happen(None, type=EventType.SIGN_IN_FAILED)[0],
    }


def test_events_are_found_by_their_account(admin, account, events):  # noqa: F811
    """By its id, and by its e-mail address in any case; not what it did to others."""
    for term in (str(account.pk), account.email, account.email.upper(), f" {account.pk} "):
        assert shown(admin, q=term) == {events["own"].pk}


def test_events_are_found_by_their_request(admin, events):  # noqa: F811
    """By the id that an answer and the log carry."""
    assert shown(admin, q=events["other"].request_id) == {events["other"].pk}
    assert shown(admin, q="made up") == shown(admin, q="made-up@example.com") == set()


def test_events_are_filtered(admin, account, events):  # noqa: F811
    """By type, date, account and who acted."""
    assert shown(admin) == {event.pk for event in events.values()}
    assert shown(admin, type="account:login:failure") == {events["nobody"].pk}
    assert shown(admin, created_at__gte="2100-01-01 00:00:00+00:00") == set()
    assert shown(admin, actor=str(account.pk)) == {events["other"].pk}


def test_an_account_links_to_its_events(admin, account, events):  # noqa: F811
    """From its page."""
    link = f"{page('securityevent')}?subject={account.pk}"

    assert f'href="{link}"' in admin.get(page("account", "change", account.pk)).content.decode()
    assert {event.pk for event in admin.get(link).context["cl"].result_list} == {events["own"].pk}


def test_nobody_changes_an_event(admin, events):  # noqa: F811
    """Not a superuser: neither one by one nor by an action."""
    before = list(SecurityEvent.objects.order_by("pk").values())
    own = events["own"].pk

    assert admin.get(page("securityevent", "change", own)).status_code == 200
    for address in (page("securityevent", "change", own), page("securityevent", "delete", own)):
        assert admin.post(address, {"type": "x", "post": "yes"}).status_code == 403
    assert admin.post(page("securityevent", "add"), {"type": "x"}).status_code == 403
    delete = {"action": "delete_selected", "_selected_action": [str(own)], "post": "yes"}
    admin.post(page("securityevent"), delete)

    assert list(SecurityEvent.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(("permission", "status"), [("view_account", 403), ("view_securityevent", 200)])
def test_events_are_for_staff_with_the_permission(admin_browser, db, permission, status):
    """Seeing accounts is not enough."""
    somebody = make_account(is_staff=True)
    somebody.user_permissions.set(Permission.objects.filter(codename=permission))
    admin_browser.force_login(somebody)

    assert admin_browser.get(page("securityevent")).status_code == status

"""Sessions of the administration are stored by a hash, and do what Django's do."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.people.models import Account
from project.sessions import stored

PASSWORD = "an administrators passphrase"
FORM = {"username": "root@example.com", "password": PASSWORD}


@pytest.fixture
def browser(admin_browser, db):
    """Signed in to the administration."""
    Account.objects.create_superuser("root@example.com", PASSWORD, username="root", first_name="Root")
    admin_browser.post("/admin/login/?next=/admin/", FORM)
    assert admin_browser.get("/admin/").status_code == 200
    return admin_browser


def test_the_cookie_is_not_in_the_database(browser):
    """S15: what is stored opens nothing."""
    cookie = browser.cookies["sessionid"].value
    row = Session.objects.get()

    assert cookie not in f"{row.session_key} {row.session_data} {row.get_decoded()}"
    assert row.session_key == stored(cookie)

    browser.cookies["sessionid"] = row.session_key
    assert browser.get("/admin/").status_code == 302


def test_signing_out_deletes_the_session(browser):
    """Its row too."""
    cookie = browser.cookies["sessionid"].value

    browser.post("/admin/logout/")

    assert not Session.objects.exists()
    browser.cookies["sessionid"] = cookie
    assert browser.get("/admin/").status_code == 302


def test_a_session_ends_in_time(browser):
    """After SESSION_COOKIE_AGE."""
    with time_machine.travel(timezone.now() + timedelta(days=15)):
        assert browser.get("/admin/").status_code == 302


def test_an_unknown_key_is_nobodys(admin_browser, db):
    """And none that a stranger chose is taken over."""
    admin_browser.cookies["sessionid"] = "a" * 32

    admin_browser.post("/admin/login/?next=/admin/", FORM)

    assert not Session.objects.filter(session_key=stored("a" * 32)).exists()

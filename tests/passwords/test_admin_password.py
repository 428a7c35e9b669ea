"""The administration's page for one's own password: whoever has stolen the session cannot guess the password there."""

from dataclasses import replace

import pytest
from django.urls import reverse

from accounts.conf import latchkey, rate_limits
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.shared import hash_slots
from tests.api import CHANGE_PASSWORD, TOKEN_AUTH, codes
from tests.people.test_admin import STAFF_PASSWORD, admin

__all__ = ["admin"]

NEW, WRONG = "a passphrase of the holder", "a passphrase of nobody"
INCORRECT = ["Your old password was entered incorrectly. Please enter it again."]


@pytest.fixture
def change(admin):
    """Send the form with its CSRF token, and return its errors at the old password."""

    def send(old, new=NEW):
        given = {"old_password": old, "new_password1": new, "new_password2": new}
        response = admin.post(reverse("admin:password_change"), given)
        return [] if response.status_code == 302 else response.context["form"].errors.get("old_password", [])

    return send


@pytest.fixture
def limited(settings):
    """Three wrong passwords in an hour."""
    settings.LATCHKEY = replace(latchkey(), rate_limits=rate_limits("change_password.account=3/1h"))


def root() -> Account:
    """The administrator."""
    return Account.objects.get(email="root@example.com")


def recorded() -> list[tuple[str, int]]:
    """The causes of refusals, and how often."""
    events = SecurityEvent.objects.filter(type="account:password:failure", subject=root().pk, actor=root().pk)
    return list(events.order_by("cause").values_list("cause", "count"))


def test_a_wrong_password_is_recorded(change):
    """S58: the holder sees that somebody guesses."""
    assert change(WRONG) == INCORRECT

    assert recorded() == [("INVALID_CREDENTIALS", 1)]
    assert root().check_password(STAFF_PASSWORD)


def test_guesses_are_limited(limited, change):
    """S52: then not even the right password is looked at."""
    assert [change(WRONG) for _ in range(3)] == [INCORRECT] * 3

    assert change(STAFF_PASSWORD) == ["Too many attempts. Wait a moment, then try again."]
    assert {cause for cause, _count in recorded()} == {"INVALID_CREDENTIALS", "RATE_LIMITED"}
    assert root().check_password(STAFF_PASSWORD)


def test_guesses_are_counted_with_those_at_the_api(limited, change, graphql):
    """Else the thief would have twice as many."""
    given = {"email": root().email, "password": STAFF_PASSWORD}
    token = graphql(TOKEN_AUTH, input=given).data["tokenAuth"]["tokens"]["accessToken"]
    for _ in range(3):
        change(WRONG)

    payload = graphql(CHANGE_PASSWORD, token=token, input={"currentPassword": WRONG, "newPassword": NEW})
    assert codes(payload.data["changePassword"]) == ["RATE_LIMITED"]


def test_a_right_password_takes_no_attempt(limited, change):
    """However weak the new one is."""
    assert [change(STAFF_PASSWORD, new="weak") for _ in range(4)] == [[]] * 4

    assert recorded() == []
    assert change(STAFF_PASSWORD) == []
    assert root().check_password(NEW)


def test_a_huge_password_is_not_hashed(change):
    """It is wrong at once."""
    assert change("x" * 100_000) == INCORRECT


def test_a_storm_refuses_the_form(change, settings):
    """S92: it takes a slot, as sign-ins do; with all of them taken, nothing is hashed."""
    settings.LATCHKEY = replace(latchkey(), hashing_slots=1, hashing_queue=0)
    hash_slots._slots.cache_clear()
    assert hash_slots.slots()._free.acquire(blocking=False)

    try:
        assert change(STAFF_PASSWORD) == ["Too many attempts. Wait a moment, then try again."]
        assert root().check_password(STAFF_PASSWORD)
    finally:
        hash_slots._slots.cache_clear()

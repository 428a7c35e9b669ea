"""S58: a recorded event stays as it is, whatever code or staff try."""

import pytest
from django.db import IntegrityError, transaction

from accounts.guard import events
from accounts.guard.models import AppendOnlyError, SecurityEvent
from tests.factories import make_account


@pytest.fixture
def event(db):
    """One that is recorded."""
    return SecurityEvent.objects.create(type="social:link", ip_address="192.0.2.1", user_agent="a browser")


def save(event):
    """The object that was read."""
    event.cause = "another"
    event.save()


def save_only(event):
    """One column of it."""
    event.cause = "another"
    event.save(update_fields=["cause"])


WAYS = [
    save,
    save_only,
    lambda event: event.delete(),
    lambda event: SecurityEvent.objects.update(cause="another"),
    lambda event: SecurityEvent.objects.filter(pk=event.pk).update(cause="another"),
    lambda event: SecurityEvent.objects.update_or_create(pk=event.pk, defaults={"cause": "another"}),
    lambda event: SecurityEvent.objects.bulk_update([event], ["cause"]),
    lambda event: SecurityEvent.objects.bulk_create(
        [event], update_conflicts=True, unique_fields=["id"], update_fields=["cause"]
    ),
    lambda event: SecurityEvent.objects.all().delete(),
    lambda event: SecurityEvent.objects.filter(pk=event.pk)._raw_delete("default"),
]
NAMES = [
    "save", "save a column", "delete", "update all", "update", "update or create", "bulk update", "upsert",
    "delete all", "raw delete",
]  # fmt: skip


@pytest.mark.parametrize("change", WAYS, ids=NAMES)
def test_a_recorded_event_cannot_be_changed_or_deleted(event, change):
    """By none of Django's ways."""
    before = list(SecurityEvent.objects.values())

    with pytest.raises(AppendOnlyError), transaction.atomic():
        change(SecurityEvent.objects.get(pk=event.pk))

    assert list(SecurityEvent.objects.values()) == before


def test_a_new_event_cannot_take_the_place_of_another(event):
    """Its key is taken."""
    before = list(SecurityEvent.objects.values())

    with pytest.raises(IntegrityError), transaction.atomic():
        SecurityEvent(pk=event.pk, type="account:update").save()

    assert list(SecurityEvent.objects.values()) == before


def test_the_three_exceptions_change_no_more_than_they_say(event):
    """A repeated failure is counted, the origin is forgotten with the account, and old events go."""
    before = SecurityEvent.objects.values().get()
    assert events.count_once_more(id=event.pk, created_at=event.created_at) == 1
    SecurityEvent.objects.filter(pk=event.pk).forget_origin()

    after = SecurityEvent.objects.values().get()
    assert after == {**before, "count": 2, "ip_address": None, "user_agent": ""}
    assert SecurityEvent.objects.filter(pk=event.pk).expire() == 1
    assert not SecurityEvent.objects.exists()


def test_an_account_that_goes_takes_none_along(event):
    """They name it without a foreign key."""
    account = make_account()
    SecurityEvent.objects.create(type="social:link", subject=account.pk)
    account.delete()

    assert SecurityEvent.objects.filter(subject=account.pk, type="social:link").exists()

"""The administration's log is exported to the person it is about, however similar other addresses are."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.leaving.deletion import erase
from accounts.leaving.export import data_of
from accounts.people.models import Account
from accounts.tokens.models import Session
from tests.factories import make_account
from tests.leaving.test_admin_deletes import staff

__all__ = ["staff"]

MINE = "m@gmail.example.co"
SIMILAR = ["jane.m@gmail.example.com", "m@gmail.example.com", "m@gmail.example.co.uk", "am@gmail.example.co"]
"""Addresses that hold mine at the end, at the beginning, or in the middle."""


def log(model: Any, object_id: object, name: str, **more: Any) -> LogEntry:
    """Staff did something."""
    entry: LogEntry = LogEntry.objects.create(
        user=make_account(is_staff=True),
        content_type=ContentType.objects.get_for_model(model),
        object_id=str(object_id),
        object_repr=name,
        **{"action_flag": CHANGE, "change_message": '[{"changed": {"fields": ["Given name"]}}]', **more},
    )
    return entry


def about(account: Account) -> list[LogEntry]:
    """An entry of each kind about somebody."""
    ended = json.dumps([{"deleted": {"name": "session", "object": f"{account} · Web"}}])
    return [
        log(Account, account.pk, str(account), change_message=ended),
        log(Session, uuid.uuid4(), f"{account} · Web", action_flag=DELETION),
        log(UserSocialAuth, 7, str(account), action_flag=DELETION),
    ]


def exported(account: Account) -> list[str]:
    """The names in the export."""
    return sorted(entry["object_repr"] for entry in data_of(account)["administration_log_about"])


@pytest.mark.parametrize("address", SIMILAR)
def test_the_log_about_a_similar_address_is_not_exported(db, address):
    """S65: anybody can register an address that another one holds."""
    about(make_account(email=address))

    assert exported(make_account(email=MINE)) == []


@pytest.mark.parametrize("address", SIMILAR)
def test_the_log_about_a_similar_address_is_not_blanked(db, address):
    """Deleting one's account takes nothing from the record about others."""
    entries = about(make_account(email=address))
    before = list(LogEntry.objects.order_by("pk").values())

    with transaction.atomic():
        erase(make_account(email=MINE))

    assert list(LogEntry.objects.order_by("pk").values()) == before
    assert len(before) == len(entries)


def test_the_log_about_oneself_is_exported_and_blanked(db):
    """The account's, its sessions', its identities'."""
    account = make_account(email=MINE)
    about(account)
    assert exported(account) == [MINE, MINE, f"{MINE} · Web"]

    key = str(account.pk)
    with transaction.atomic():
        erase(account)

    assert set(LogEntry.objects.values_list("object_repr", "change_message")) == {(key, "")}


@pytest.mark.parametrize("text", ["%", "_"])
def test_an_address_is_no_pattern(db, text):
    """Characters that LIKE would take for any others."""
    about(make_account(email="axb@example.com"))

    assert exported(make_account(email=f"a{text}b@example.com")) == []


def test_the_log_about_the_former_holder_of_the_address_is_not_exported(db):
    """Whoever had the address before has left, or has another one now."""
    account = make_account(email=MINE)
    entries = about(account)[1:]
    LogEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
        action_time=timezone.now() - timedelta(days=1)
    )

    assert exported(account) == [MINE]


def test_what_the_administration_writes_is_found(admin_browser, staff, sign_in):
    """A session that staff end on its page, and one that they end on the page of the account."""
    signed_in = sign_in(make_account(email=MINE))
    session = Session.objects.get(account=signed_in.account)

    admin_browser.post(reverse("admin:accounts_session_delete", args=[session.pk]), {"post": "yes"})

    assert not Session.objects.filter(pk=session.pk).exists()
    assert exported(signed_in.account) == [str(session)]

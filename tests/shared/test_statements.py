"""Statements that are compiled once do what Django's own do."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.models import F
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from accounts.people.models import Account
from accounts.shared.statements import Delete, Insert, Select, Update, parameter
from accounts.tokens.models import Session
from tests.factories import make_account, make_client

pytestmark = pytest.mark.django_db

AccessToken = get_access_token_model()

FIELDS = (
    "id",
    "token_family",
    "account",
    "client",
    "authentication_methods",
    "last_used_at",
    "expires_at",
    "user_agent",
)
OTHERS = ("authenticated_at", "created_at", "ip_address", "unused_token_id")

insert = Insert(Session, *FIELDS, *OTHERS)
by_family = Select(
    Session,
    lambda: (
        Session.objects.filter(token_family=parameter(Session, "token_family"))
        .order_by("pk")
        .values_list("pk", *FIELDS, "account__email")
    ),
)
rename = Update(
    Session,
    lambda: Session.objects.filter(pk=parameter(Session, "id"), user_agent=parameter(Session, "user_agent", "old")),
    user_agent=parameter(Session, "user_agent", "new"),
    expires_at=F("last_used_at"),
)
delete = Delete(Session, lambda: Session.objects.filter(pk=parameter(Session, "id")))


def values() -> dict:
    """The fields of a new session."""
    now = timezone.now()
    return {
        "id": uuid.uuid4(),
        "token_family": uuid.uuid4(),
        "account": make_account(email=f"{uuid.uuid4().hex}@example.com", username=uuid.uuid4().hex[:20]).pk,
        "client": make_client()[0].pk,
        "authentication_methods": ["password"],
        "last_used_at": now,
        "expires_at": now + timedelta(days=1),
        "user_agent": "100 % 'agent'",
        "authenticated_at": now,
        "created_at": now,
        "ip_address": None,
        "unused_token_id": uuid.uuid4().int >> 66,
    }


def test_an_insert_writes_each_value_and_returns_the_key():
    """Of every type that our tables have."""
    given = values()
    assert insert(**given) == given["id"]
    row = Session.objects.get()
    expected = {**given, "account_id": given.pop("account"), "client_id": given.pop("client")}
    assert {name: getattr(row, name) for name in expected if name not in {"account", "client"}} == {
        name: value for name, value in expected.items() if name not in {"account", "client"}
    }


def test_an_insert_returns_a_key_that_the_database_makes():
    """Ids of tokens are counted there."""
    given = {"expires": timezone.now(), "created": timezone.now(), "updated": timezone.now(), "resource": []}
    add = Insert(AccessToken, "token", "token_checksum", "scope", *given)
    keys = [add(token="", token_checksum=name, scope=name, **given) for name in "bc"]
    assert list(AccessToken.objects.order_by("pk").values_list("pk", "scope", "resource")) == [
        (keys[0], "b", []),
        (keys[1], "c", []),
    ]


def test_an_insert_that_ignores_conflicts_leaves_the_row_that_is_there():
    """And says that it wrote none. The transaction goes on, without a savepoint."""
    given = values()
    once = Insert(Session, *FIELDS, *OTHERS, ignore_conflicts=True)
    assert once(**given) == given["id"]

    assert once(**{**given, "id": uuid.uuid4(), "user_agent": "another"}) is None

    assert Session.objects.values_list("pk", "user_agent").get() == (given["id"], given["user_agent"])


def test_a_select_finds_as_django_does_time_after_time():
    """With joins and converters."""
    given = [values(), values()]
    for each in given:
        insert(**each)
    for each in [*given, *given]:
        expected = Session.objects.filter(token_family=each["token_family"]).values_list(
            "pk", *FIELDS, "account__email"
        )
        assert [tuple(row) for row in by_family.rows(token_family=each["token_family"])] == list(expected)
    assert by_family.first(token_family=uuid.uuid4()) is None


def test_an_update_changes_only_what_its_condition_finds():
    """And says how many rows that were."""
    given, other = values(), values()
    insert(**given)
    insert(**other)
    assert rename(id=given["id"], old="another", new="x") == 0
    assert rename(id=given["id"], old=given["user_agent"], new="new") == 1
    row = Session.objects.get(pk=given["id"])
    assert (row.user_agent, row.expires_at) == ("new", row.last_used_at)
    assert Session.objects.get(pk=other["id"]).user_agent == other["user_agent"]


def test_a_delete_deletes_only_its_rows():
    """Likewise."""
    given, other = values(), values()
    insert(**given)
    insert(**other)
    assert delete(id=given["id"]) == 1
    assert delete(id=given["id"]) == 0
    assert Session.objects.get().pk == other["id"]


def test_a_statement_is_compiled_once_for_each_thread():
    """Connections are per thread too."""
    compiled = []
    select = Select(
        Account, lambda: compiled.append(1) or Account.objects.filter(pk=parameter(Account, "id")).values_list("pk")
    )

    def twice() -> None:
        select.first(id=uuid.uuid4())
        select.first(id=uuid.uuid4())

    twice()
    assert len(compiled) == 1

    def in_thread() -> None:
        twice()
        connections.close_all()

    if connection.vendor == "sqlite":
        return  # an in-memory database is locked while this test writes
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert len(compiled) == 2

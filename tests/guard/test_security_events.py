"""`me.securityEvents`: a holder sees what happened to the account, and nobody else does."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from tests.factories import make_account
from tests.schema.test_nodes import global_id
from tests.schema.test_statements import statements

PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String) {
  me {
    securityEvents(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id } }
      nodes { id type message createdAt ipAddress userAgent }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on SecurityEvent { type } } }"


def happen(account, number: int = 1, **fields) -> list[SecurityEvent]:
    """So many events, one a second, the newest last."""
    now = timezone.now()
    return SecurityEvent.objects.bulk_create(
        SecurityEvent(
            **{
                "type": EventType.LINKED,
                "subject": account and account.pk,
                "created_at": now + timedelta(seconds=n),
                **fields,
            }
        )
        for n in range(number)
    )


def confirm(account) -> None:
    """Its address."""
    Account.objects.filter(pk=account.pk).update(email_verified=True)


@pytest.fixture
def of(graphql):
    """The connection of somebody who is signed in."""

    def page(signed_in, **arguments):
        return graphql(PAGE, token=signed_in.access_token, **arguments).data["me"]["securityEvents"]

    return page


@pytest.fixture
def signed_in(signed_in):
    """With nothing that happened before."""
    SecurityEvent.objects.all().expire()
    return signed_in


def test_a_page_is_newest_first(of, signed_in):
    """Events of one moment in a stable order."""
    happened = happen(signed_in.account, 3) + happen(signed_in.account, 2, created_at=timezone.now())
    ordered = sorted(happened, key=lambda event: (event.created_at, event.pk), reverse=True)

    page = of(signed_in)

    assert [node["id"] for node in page["nodes"]] == [global_id("SecurityEvent", event.pk) for event in ordered]
    assert [edge["node"]["id"] for edge in page["edges"]] == [node["id"] for node in page["nodes"]]


def test_pages_follow_each_other(of, signed_in):
    """Forward and back, without gaps; what happens meanwhile shifts nothing."""
    happen(signed_in.account, 5)
    whole = [node["id"] for node in of(signed_in, first=5)["nodes"]]

    one = of(signed_in, first=2)
    happen(signed_in.account, 1, created_at=timezone.now() + timedelta(hours=1))
    two = of(signed_in, first=2, after=one["pageInfo"]["endCursor"])
    three = of(signed_in, first=2, after=two["pageInfo"]["endCursor"])
    back = of(signed_in, last=2, before=three["pageInfo"]["startCursor"])

    assert [node["id"] for page in (one, two, three) for node in page["nodes"]] == whole
    assert [page["pageInfo"]["hasNextPage"] for page in (one, two, three)] == [True, True, False]
    assert [node["id"] for node in back["nodes"]] == whole[2:4]


def test_a_refused_attempt_is_told_with_its_number(of, signed_in):
    """In a sentence; the documented type is for programs."""
    confirm(signed_in.account)
    happen(signed_in.account, type=EventType.SIGN_IN_FAILED, count=3, ip_address="192.0.2.1", user_agent="x")

    (node,) = of(signed_in)["nodes"]

    assert node["type"] == "account:login:failure"
    assert node["message"] == "A sign-in was refused. This happened 3 times."
    assert (node["ipAddress"], node["userAgent"]) == ("192.0.2.1", "x")


def test_where_strangers_are_is_hidden_until_the_address_is_confirmed(of, signed_in):
    """S85: whoever registered somebody else's address does not see where its owner is. The event itself is shown."""
    happen(signed_in.account, type=EventType.SIGN_IN_FAILED, ip_address="192.0.2.1", user_agent="x")

    (node,) = of(signed_in)["nodes"]

    assert (node["type"], node["ipAddress"], node["userAgent"]) == ("account:login:failure", None, None)


def test_an_event_of_a_type_that_is_gone_is_still_told(of, signed_in):
    """By its type: rows outlive releases."""
    happen(signed_in.account, type="account:haunt")

    assert [(node["type"], node["message"]) for node in of(signed_in)["nodes"]] == [("account:haunt", "account:haunt")]


def test_an_unknown_origin_is_null(of, signed_in):
    """As of a command."""
    happen(signed_in.account)

    (node,) = of(signed_in)["nodes"]

    assert (node["ipAddress"], node["userAgent"]) == (None, None)


def test_the_origin_of_staff_is_nothing_to_the_holder(of, signed_in):
    """What they did is."""
    happen(signed_in.account, actor=make_account(is_staff=True).pk, ip_address="192.0.2.9", user_agent="staff")

    (node,) = of(signed_in)["nodes"]

    assert (node["ipAddress"], node["userAgent"]) == (None, None)


def test_nobody_sees_what_happened_to_others(of, graphql, sign_in, signed_in):
    """S65: not what happened to nobody, and not what one did to somebody else."""
    other = make_account()
    happen(other, actor=signed_in.account.pk)
    happen(None)

    assert of(signed_in)["nodes"] == []


def test_an_event_is_found_by_its_id(graphql, of, sign_in, signed_in):
    """S65: by its subject; for others, staff's too, it is as if there were none."""
    (event,) = happen(signed_in.account)
    (node,) = of(signed_in)["nodes"]
    staff = sign_in(make_account(is_staff=True, is_superuser=True))
    unknown = global_id("SecurityEvent", uuid.uuid4())

    found = graphql(NODE, token=signed_in.access_token, id=node["id"]).data["node"]

    assert found == {"__typename": "SecurityEvent", "id": node["id"], "type": event.type}
    for token, id_ in [(staff.access_token, node["id"]), (None, node["id"]), (signed_in.access_token, unknown)]:
        assert graphql(NODE, token=token, id=id_).data["node"] is None


def test_ids_do_not_count(signed_in):
    """S65: neither random ones nor those that failures share."""
    assert {event.pk.version for event in happen(signed_in.account, 3)} == {4}


@pytest.mark.parametrize("size", [1, 100])
def test_a_page_is_one_statement(graphql, of, signed_in, size):
    """Beside the look-up of the token."""
    happen(signed_in.account, 110)
    of(signed_in)

    with statements() as sent:
        assert len(of(signed_in, first=size)["nodes"]) == size

    assert len(sent) == 2
    assert f"LIMIT {size + 1}" in sent[-1]


@pytest.mark.parametrize("arguments", [{"first": 101}, {"first": -1}, {"first": 1, "last": 1}, {"after": "x"}])
def test_bad_arguments_are_bad_user_input(graphql, signed_in, arguments):
    """As in `users`."""
    assert graphql(PAGE, token=signed_in.access_token, **arguments).codes == ["BAD_USER_INPUT"]


def test_a_page_reads_no_other_row(signed_in):
    """By the index: its order is that of the list."""
    happen(signed_in.account, 50)
    query = SecurityEvent.objects.filter(subject=signed_in.account.pk)[:21]
    plan = query.explain()

    if connection.vendor == "sqlite":
        assert "event_subject_newest_first" in plan
        assert "TEMP B-TREE" not in plan

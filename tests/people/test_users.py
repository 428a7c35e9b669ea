"""`users`: pages of public profiles, and who may read them."""

import base64
import dataclasses
import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.conf import Visibility
from accounts.people.models import Account
from tests.factories import make_account
from tests.people.plans import plan_of
from tests.schema.test_statements import statements

PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String) {
  users(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id username dateJoined firstName lastName } }
    nodes { id username }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


@pytest.fixture
def page(graphql):
    """A page; the same people by `edges` and by `nodes`."""

    def get(*, token=None, **arguments):
        users = graphql(PAGE, token=token, **arguments).data["users"]
        assert [edge["node"]["id"] for edge in users["edges"]] == [node["id"] for node in users["nodes"]]
        return users

    return get


@pytest.fixture
def visibility(settings):
    """Change the settings for one test."""

    def change(**values):
        settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, **values)

    return change


@pytest.fixture
def people(db) -> list[str]:
    """The names of 45 people, newest first; five each joined at the same moment."""
    now = timezone.now()
    Account.objects.bulk_create(
        Account(
            email=f"user{n}@example.com",
            username=f"user{n}",
            first_name="U",
            date_joined=now - timedelta(days=n // 5),
        )
        for n in range(45)
    )
    return list(Account.objects.order_by("-date_joined", "-pk").values_list("username", flat=True))


def names(users) -> list[str]:
    """Who is on the page."""
    return [node["username"] for node in users["nodes"]]


def cursor_of(*values: object) -> str:
    """A cursor that somebody forged."""
    return base64.b64encode(f"orderedcursor:{json.dumps(values, separators=(',', ':'))}".encode()).decode()


def test_twenty_by_default_newest_first(page, people):
    """Order and default size."""
    users = page()

    assert names(users) == people[:20]
    assert users["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": users["edges"][0]["cursor"],
        "endCursor": users["edges"][-1]["cursor"],
    }


def test_nobody_is_an_empty_page(page, db):
    """No cursors."""
    assert page() == {
        "edges": [],
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


@pytest.mark.parametrize("size", [1, 7, 20, 44, 45, 46, 100])
def test_walking_forward_sees_everyone_once(page, people, size):
    """And knows when to stop."""
    seen: list[str] = []
    cursor = None
    for _ in range(60):
        users = page(first=size, after=cursor)
        assert len(users["nodes"]) <= size
        seen += names(users)
        cursor = users["pageInfo"]["endCursor"]
        if not users["pageInfo"]["hasNextPage"]:
            break

    assert seen == people


@pytest.mark.parametrize("size", [1, 7, 20, 45, 100])
def test_walking_backward_sees_everyone_once(page, people, size):
    """From the oldest; each page in the order of the list."""
    seen: list[str] = []
    cursor = None
    for _ in range(60):
        users = page(last=size, before=cursor)
        assert len(users["nodes"]) <= size
        seen = names(users) + seen
        cursor = users["pageInfo"]["startCursor"]
        if not users["pageInfo"]["hasPreviousPage"]:
            break

    assert seen == people


@pytest.mark.parametrize("direction", [("first", "after", "endCursor"), ("last", "before", "startCursor")])
def test_a_walk_is_not_disturbed_by_people_who_register(page, people, direction):
    """A keyset, not an offset: nobody twice and nobody missed."""
    size, position, end = direction
    seen: list[str] = []
    cursor = None
    for n in range(5):
        users = page(**{size: 10, position: cursor})
        seen += names(users)
        cursor = users["pageInfo"][end]
        make_account(username=f"late{n}")

    old = [name for name in seen if not name.startswith("late")]
    assert sorted(old) == sorted(people)
    assert len(seen) == len(set(seen))


def test_first_with_before_and_last_with_after(page, people):
    """The four combinations of Relay that make sense."""
    cursors = [edge["cursor"] for edge in page(first=45)["edges"]]

    assert names(page(first=5, before=cursors[10])) == people[:5]
    assert names(page(last=5, after=cursors[10])) == people[-5:]
    assert names(page(first=5, after=cursors[10], before=cursors[13])) == people[11:13]
    assert names(page(last=5, before=cursors[3])) == people[:3]
    assert names(page(last=2, after=cursors[10], before=cursors[20])) == people[18:20]


def test_page_info_tells_the_truth_between_two_cursors(page, people):
    """GraphQL Cursor Connections §4.4: true only if there is more."""
    cursors = [edge["cursor"] for edge in page(first=45)["edges"]]

    assert page(first=45)["pageInfo"]["hasNextPage"] is False
    assert page(first=44)["pageInfo"]["hasNextPage"] is True
    assert page(last=44)["pageInfo"]["hasPreviousPage"] is True
    assert page(last=45)["pageInfo"]["hasPreviousPage"] is False
    assert page(first=5, after=cursors[-6])["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize("arguments", [{"first": 0}, {"last": 0}])
def test_a_page_of_none_is_empty(graphql, people, arguments):
    """Relay's connections: a client may only want to know whether there are any."""
    page = graphql(PAGE, **arguments).data["users"]

    assert (page["edges"], page["nodes"]) == ([], [])
    assert page["pageInfo"]["hasNextPage"] is ("first" in arguments)
    assert page["pageInfo"]["hasPreviousPage"] is ("last" in arguments)
    assert page["pageInfo"]["endCursor"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": -1}, {"first": 101}, {"first": 2**31 - 1}, {"last": -1},
        {"last": 101},
        {"first": 5, "last": 5}, {"first": 0, "last": 0}, {"first": 2**31}, {"first": 10**30},
        {"first": "5"}, {"first": 1.5}, {"after": 5}, {"first": True},
    ],
)  # fmt: skip
def test_sizes_out_of_range_are_bad_user_input(graphql, people, arguments):
    """S48: never a clamp, never a 5xx."""
    answer = graphql(PAGE, **arguments)

    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body.get("data") in (None, {"users": None})


NOW = "2026-11-23 12:00:00+00:00"
CURSORS = [
    "garbage", "é", "\0", "💥", "=", "====", "orderedcursor", "a" * 5000,
    base64.b64encode(b"\xff\xfe").decode(),
    base64.b64encode(b"arrayconnection:5").decode(),
    base64.b64encode(b"orderedcursor:").decode(),
    base64.b64encode(b"orderedcursor:{}").decode(),
    base64.b64encode(b"orderedcursor:5").decode(),
    base64.b64encode(b"orderedcursor:null").decode(),
    base64.b64encode(b"orderedcursor:NaN").decode(),
    base64.b64encode(b"orderedcursor:" + b"[" * 3000).decode(),
    base64.b64encode(b"orderedcursor:" + b"[" * 3000 + b"]" * 3000).decode(),
    base64.b64encode(f"Account:{uuid.uuid4()}".encode()).decode(),
    cursor_of(),
    cursor_of(NOW),
    cursor_of(NOW, "not-a-uuid"),
    cursor_of(NOW, "1"),
    cursor_of(NOW, "\0"),
    cursor_of(NOW, str(uuid.uuid4()), "third"),
    cursor_of("not a date", str(uuid.uuid4())),
    cursor_of("\0", str(uuid.uuid4())),
    cursor_of("", str(uuid.uuid4())),
    cursor_of("2026-13-45", str(uuid.uuid4())),
    cursor_of("999999999-01-01 00:00:00", str(uuid.uuid4())),
    cursor_of(5, str(uuid.uuid4())),
    cursor_of(1e400, str(uuid.uuid4())),
    cursor_of(True, True),
    cursor_of([1], {"a": 1}),
    cursor_of("\ud800", str(uuid.uuid4())),
    cursor_of(NOW, "\ud800"),
    cursor_of("9999-12-31 23:59:59-23:59", str(uuid.uuid4())),
    cursor_of("0001-01-01 00:00:00+23:59", str(uuid.uuid4())),
    cursor_of("2026-11-23 12:00:00+24:00", str(uuid.uuid4())),
    cursor_of("2026-11-23", str(uuid.uuid4())),
    cursor_of("2026-11-23 12:00:00", str(uuid.uuid4())),
    cursor_of("now", str(uuid.uuid4())),
    cursor_of("infinity", str(uuid.uuid4())),
    cursor_of("-infinity", str(uuid.uuid4())),
    cursor_of("0000-01-01 00:00:00+00:00", str(uuid.uuid4())),
    cursor_of("10000-01-01 00:00:00+00:00", str(uuid.uuid4())),
    cursor_of(None, None),
    cursor_of(NOW, None),
    cursor_of(None, str(uuid.uuid4())),
    cursor_of(NOW, 5),
    cursor_of(NOW, str(uuid.uuid4()) + " " * 200),
    cursor_of(NOW, "0" * 60_000),
    cursor_of(NOW, str(uuid.uuid4())) + "\n",
    cursor_of(NOW, str(uuid.uuid4())).rstrip("="),
    "!" + cursor_of(NOW, str(uuid.uuid4())),
]  # fmt: skip
EXTREMES = [
    cursor_of("9999-12-31 23:59:59.999999+23:59", str(uuid.UUID(int=2**128 - 1))),
    cursor_of("0001-01-01 00:00:00-23:59", str(uuid.UUID(int=0))),
    cursor_of("0001-01-01 00:00:00+00:00", str(uuid.UUID(int=0))),
]


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("cursor", CURSORS, ids=range(len(CURSORS)))
def test_a_cursor_that_is_none_is_bad_user_input(graphql, people, argument, cursor):
    """Cursors are not signed: whatever they hold is an error with a code, never a 5xx, and is not echoed."""
    answer = graphql(PAGE, **{argument: cursor})

    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.status in {200, 400}
    assert answer.body["data"] == {"users": None}


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("cursor", CURSORS, ids=range(len(CURSORS)))
def test_a_cursor_that_is_none_asks_the_database_nothing(graphql, db, argument, cursor):
    """So that none can be made up that a database fails on, or that costs its time."""
    with statements() as sent:
        graphql(PAGE, **{argument: cursor})

    assert sent == []


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("cursor", EXTREMES, ids=range(len(EXTREMES)))
def test_the_ends_of_time_are_positions(graphql, people, argument, cursor):
    """Before all or after all; both databases can compare them."""
    answer = graphql(PAGE, **{argument: cursor, "first": 100})

    assert answer.codes == []
    assert len(answer.data["users"]["nodes"]) in {0, len(people)}


def test_a_cursor_of_the_former_release_goes_on(graphql, db):
    """As version 0.1 gave it to a client, which may hold it for long."""
    for n in range(3):
        moment = datetime(2026, 11, 27, 16, 20, 0, 123456 + n, tzinfo=UTC)
        make_account(pk=uuid.UUID(int=n), username=f"user{n}", date_joined=moment)
    held = (
        "b3JkZXJlZGN1cnNvcjpbIjIwMjYtMTEtMjdUMTY6MjA6MDAuMTIzNDU3KzAwOjAwIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAw"
        "MDAxIl0="
    )

    edges = graphql(PAGE).data["users"]["edges"]

    assert edges[1]["cursor"] == held
    assert names(graphql(PAGE, after=held).data["users"]) == ["user0"]
    assert names(graphql(PAGE, before=held).data["users"]) == ["user2"]


@pytest.mark.parametrize("offset", ["+05:30", "-11:00"])
def test_the_offset_of_a_cursor_does_not_matter(page, people, offset):
    """The same instant is the same position."""
    row = Account.objects.get(username=people[9])
    moment = row.date_joined.astimezone(datetime.fromisoformat(f"2026-11-27T00:00:00{offset}").tzinfo)

    assert names(page(first=5, after=cursor_of(moment.isoformat(), str(row.pk)))) == people[10:15]


@pytest.mark.parametrize("argument", ["after", "before"])
def test_an_empty_or_null_cursor_is_the_beginning(page, people, argument):
    """As front ends send it for the first page."""
    for cursor in ("", None):
        assert names(page(**{argument: cursor})) == people[:20]


def test_a_page_is_bounded_even_with_a_cursor_alone(page, people):
    """S48: no LIMIT is no option."""
    cursor = page(first=1)["pageInfo"]["endCursor"]

    assert names(page(after=cursor)) == people[1:21]
    assert len(page(before=page(last=1)["pageInfo"]["startCursor"])["nodes"]) == 20


def test_a_cursor_of_somebody_who_is_gone_still_works(page, people):
    """It is a position, not a row."""
    cursor = page(first=10)["pageInfo"]["endCursor"]
    Account.objects.filter(username=people[9]).delete()

    assert names(page(first=5, after=cursor)) == people[10:15]


def test_disabled_accounts_are_hidden(page, people):
    """Also from staff: this is the public list."""
    Account.objects.filter(username__in=people[:3]).update(is_active=False)

    assert names(page(first=5)) == people[3:8]
    assert len(page(first=100)["nodes"]) == 42


def test_a_profile_has_no_address(graphql, account):
    """S48: by construction; neither the field nor the value."""
    refused = graphql("{ users { nodes { email } } }")
    answer = graphql(PAGE)

    assert refused.codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert account.email not in str(answer.body)
    assert account.email not in base64.b64decode(answer.data["users"]["edges"][0]["cursor"]).decode()


def test_no_total_count(graphql, db):
    """Nobody learns how many people there are with one call."""
    assert graphql("{ users { totalCount } }").codes == ["GRAPHQL_VALIDATION_FAILED"]


def test_names_can_be_private(page, visibility):
    """Null then, although the fields are asked for."""
    make_account(first_name="Ada", last_name="Lovelace", username="countess")
    assert page()["edges"][0]["node"]["firstName"] == "Ada"

    visibility(public_names=False)

    node = page()["edges"][0]["node"]
    assert (node["username"], node["firstName"], node["lastName"]) == ("countess", None, None)


@pytest.mark.parametrize("argument", ["after", "first"])
def test_an_instant_is_utc_with_a_z(page, account, argument):
    """RFC 3339."""
    joined = page()["edges"][0]["node"]["dateJoined"]

    assert joined == account.date_joined.strftime("%Y-%m-%dT%H:%M:%SZ")


PROFILES_OF: dict[Visibility, dict[str, list[str]]] = {
    Visibility.PUBLIC: {"nobody": [], "somebody": [], "staff": []},
    Visibility.AUTHENTICATED: {"nobody": ["UNAUTHENTICATED"], "somebody": [], "staff": []},
    Visibility.STAFF: {"nobody": ["UNAUTHENTICATED"], "somebody": ["FORBIDDEN"], "staff": []},
}


@pytest.mark.parametrize("who", ["nobody", "somebody", "staff"])
@pytest.mark.parametrize("level", list(Visibility))
def test_who_may_read_profiles_is_configurable(graphql, sign_in, visibility, level, who):
    """S48: public, signed-in accounts, or staff."""
    token = None if who == "nobody" else sign_in(make_account(is_staff=who == "staff")).access_token
    visibility(users_visibility=level)

    answer = graphql(PAGE, token=token)

    expected = PROFILES_OF[level][who]
    assert answer.status == 200
    assert answer.codes == expected
    assert (answer.body["data"]["users"] is None) == bool(expected)


def test_a_bad_page_of_a_hidden_list_tells_nothing(graphql, visibility, people):
    """Visibility comes first."""
    visibility(users_visibility=Visibility.STAFF)

    assert graphql(PAGE, first=1000).codes == ["UNAUTHENTICATED"]


def test_ones_public_profile_is_ones_row_in_users(graphql, page, signed_in):
    """One cache entry serves both: same id, another than the account's."""
    me = graphql("{ me { id publicProfile { id username } } }", token=signed_in.access_token).data["me"]

    assert me["publicProfile"] in page()["nodes"]
    assert me["id"] != me["publicProfile"]["id"]


def test_several_pages_in_one_operation_do_not_mix(graphql, people):
    """Aliases."""
    answer = graphql("{ a: users(first: 2) { nodes { username } } b: users(last: 2) { nodes { username } } }")

    assert names(answer.data["a"]) == people[:2]
    assert names(answer.data["b"]) == people[-2:]


@pytest.fixture
def crowd(db) -> list[Account]:
    """Enough accounts for an index to be worth while, each third disabled; newest first."""
    now = timezone.now()
    Account.objects.bulk_create(
        Account(
            email=f"user{n}@example.com",
            username=f"user{n}",
            first_name="U",
            is_active=n % 3 > 0,
            date_joined=now - timedelta(hours=n // 2),
        )
        for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_account")
    return list(Account.objects.order_by("-date_joined", "-pk"))


DEEP = {
    "the first page": ({"first": 20}, ""),
    "the last page": ({"last": 20}, ""),
    "a deep page": ({"first": 20, "after": 2500}, "<"),
    "a deep page backwards": ({"last": 20, "before": 500}, ">"),
    "between two": ({"first": 20, "after": 1500, "before": 2500}, "<"),
}


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("level", list(Visibility))
def test_a_page_reads_its_own_rows_only(graphql, sign_in, visibility, crowd, name, level):
    """By the index of active accounts, entered at the cursor: however deep the page, whoever may read it."""
    arguments, comparison = DEEP[name]
    arguments = {
        argument: cursor_of(crowd[value].date_joined.isoformat(), str(crowd[value].pk))
        if argument in {"after", "before"}
        else value
        for argument, value in arguments.items()
    }
    token = sign_in(make_account(is_staff=True)).access_token
    visibility(users_visibility=level)
    with statements() as sent:
        assert len(graphql(PAGE, token=token, **arguments).data["users"]["nodes"]) == 20

    plan = plan_of(sent[-1])

    assert "account_active_newest_first" in plan
    if connection.vendor == "postgresql":
        assert re.search(r"Index Scan.* \(actual rows=21(\.00)? loops=1\)", plan), plan
        assert "Filter" not in plan
        assert "Sort" not in plan
        assert (f"Index Cond: (ROW(date_joined, id) {comparison} ROW(" in plan.replace("((ROW", "(ROW")) == bool(
            comparison
        ), plan
    else:
        assert "TEMP B-TREE" not in plan
        assert plan.startswith("SEARCH" if comparison else "SCAN")
        assert ("(date_joined,id)" in plan) == bool(comparison), plan

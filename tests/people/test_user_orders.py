"""`users(orderBy:)`: each order by its own index, and cursors that are valid in one order only."""

import base64
import re
import uuid
from datetime import timedelta
from itertools import product

import pytest
from django.db import connection
from django.utils import timezone

from accounts.people.models import Account
from accounts.people.usernames import LONGEST_USERNAME
from tests.factories import make_account
from tests.people.plans import plan_of
from tests.schema.test_statements import statements

PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: UserOrderInput) {
  users(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
    edges { cursor node { username } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
COLUMNS = {"DATE_JOINED": "date_joined", "USERNAME": "username_key"}
ORDERS = [{"field": field, "direction": direction} for field, direction in product(COLUMNS, ("ASC", "DESC"))]
NAMES = [
    *("adam", "Ada", "ADB", "a-d-c", "a_d", "ad.e", "a+b", "ad2", "ad10", "Émile", "emil", "émilie", "Zoë", "zoe2"),
    *("ñandú", "nandu", "Øyvind", "oyvind", "straße", "strasse2", "Ωmega", "жук", "яна", "山田", "やまだ", "עדה"),
]


@pytest.fixture
def page(graphql):
    """A page of public profiles."""

    def get(**arguments):
        return graphql(PAGE, **arguments).data["users"]

    return get


@pytest.fixture(params=["default", "C", "en-x-icu", "de-x-icu"])
def collation(request, db) -> str:
    """The collation of usernames, which the operator of a PostgreSQL database chooses."""
    name = request.param
    if name != "default":
        if connection.vendor != "postgresql":
            pytest.skip("SQLite compares usernames by their bytes only.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_collation WHERE collname = %s", [name])
            if cursor.fetchone() is None:
                pytest.skip("PostgreSQL was built without ICU.")
            cursor.execute(
                f'ALTER TABLE accounts_account ALTER username_key TYPE varchar({LONGEST_USERNAME}) COLLATE "{name}"'
            )
    return name


def people(usernames: list[str]) -> None:
    """Accounts with these usernames, three of which joined at the same moment each."""
    now = timezone.now()
    Account.objects.bulk_create(
        Account(email=f"user{n}@example.com", username=name, first_name="U", date_joined=now - timedelta(days=n // 3))
        for n, name in enumerate(usernames)
    )


def names(users) -> list[str]:
    """Who is on the page."""
    return [edge["node"]["username"] for edge in users["edges"]]


def expected(order: dict[str, str]) -> list[str]:
    """Everybody, as the database itself orders them."""
    sign = "-" if order["direction"] == "DESC" else ""
    rows = Account.objects.order_by(f"{sign}{COLUMNS[order['field']]}", f"{sign}pk")
    return list(rows.values_list("username", flat=True))


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: " ".join(order.values()))
@pytest.mark.parametrize("size", [1, 4, 100])
def test_walking_in_an_order_sees_everyone_once(page, collation, order, size):
    """Forwards and backwards, in the database's own collation: names with marks, hyphens and other scripts too."""
    people(NAMES)
    forwards: list[str] = []
    backwards: list[str] = []
    after = before = None
    for _ in range(len(NAMES)):
        users = page(first=size, after=after, orderBy=order)
        forwards += names(users)
        after = users["pageInfo"]["endCursor"]
        if not users["pageInfo"]["hasNextPage"]:
            break
    for _ in range(len(NAMES)):
        users = page(last=size, before=before, orderBy=order)
        backwards = names(users) + backwards
        before = users["pageInfo"]["startCursor"]
        if not users["pageInfo"]["hasPreviousPage"]:
            break

    assert forwards == backwards == expected(order)
    assert len(set(forwards)) == len(NAMES)


def test_usernames_are_ordered_ignoring_case(page, db):
    """By the key, not as they are written."""
    people(["bob", "Ada", "Carl", "adb"])

    ascending = page(orderBy={"field": "USERNAME", "direction": "ASC"})

    assert names(ascending) == ["Ada", "adb", "bob", "Carl"]
    assert names(page(orderBy={"field": "USERNAME"})) == names(ascending)[::-1]


def test_the_default_order_is_newest_first_whether_named_or_not(page, db):
    """Its cursors too are the same: clients keep those of the former release."""
    people(NAMES)
    unnamed = page()

    assert page(orderBy=None) == page(orderBy={"field": "DATE_JOINED"}) == unnamed
    assert base64.b64decode(unnamed["pageInfo"]["endCursor"]).startswith(b'orderedcursor:["')


def test_first_with_before_and_last_with_after_in_the_order_of_usernames(page, db):
    """All combinations of Relay."""
    people(NAMES)
    order = {"field": "USERNAME", "direction": "ASC"}
    everybody = page(first=100, orderBy=order)
    cursors = [edge["cursor"] for edge in everybody["edges"]]

    assert names(page(first=5, before=cursors[10], orderBy=order)) == names(everybody)[:5]
    assert names(page(last=5, after=cursors[10], orderBy=order)) == names(everybody)[-5:]
    assert names(page(first=5, after=cursors[10], before=cursors[13], orderBy=order)) == names(everybody)[11:13]
    assert names(page(last=2, after=cursors[10], before=cursors[20], orderBy=order)) == names(everybody)[18:20]


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize(
    ("made", "used"),
    [(made, used) for made, used in product(ORDERS, ORDERS) if made != used],
    ids=lambda order: " ".join(order.values()),
)
def test_a_cursor_is_valid_in_its_own_order_only(graphql, page, db, made, used, argument):
    """The position of another order would be a wrong page, without an error."""
    people(NAMES)
    cursor = page(first=3, orderBy=made)["pageInfo"]["endCursor"]

    with statements() as sent:
        answer = graphql(PAGE, orderBy=used, **{argument: cursor})

    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body["data"] == {"users": None}
    assert sent == []


def cursor_of(order: str, value: str, key: object) -> str:
    """A cursor that somebody forged."""
    return base64.b64encode(f'orderedcursor{order}:["{value}","{key}"]'.encode()).decode()


KEY = uuid.UUID(int=1)
FORGED = {
    "NUL": cursor_of(":USERNAME:ASC", "a\0b", KEY),
    "too long": cursor_of(":USERNAME:ASC", "a" * 151, KEY),
    "far too long": cursor_of(":USERNAME:ASC", "a" * 60_000, KEY),
    "no name": cursor_of(":USERNAME:ASC", "", KEY),
    "no key": cursor_of(":USERNAME:ASC", "ada", ""),
    "bad key": cursor_of(":USERNAME:ASC", "ada", "1"),
    "no direction": cursor_of(":USERNAME", "ada", KEY),
    "another column": cursor_of(":PASSWORD:ASC", "ada", KEY),
    "quotes": base64.b64encode(b'orderedcursor:USERNAME:ASC:["' + b'","' * 250).decode(),
    "bytes": base64.b64encode(b'orderedcursor:USERNAME:ASC:["\xff","' + str(KEY).encode() + b'"]').decode(),
}


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_cursor_asks_the_database_nothing(graphql, db, argument, name):
    """So that none can be made up that a database fails on, or that costs its time (S80)."""
    with statements() as sent:
        answer = graphql(PAGE, orderBy={"field": "USERNAME", "direction": "ASC"}, **{argument: FORGED[name]})

    assert answer.codes == ["BAD_USER_INPUT"]
    assert sent == []


@pytest.mark.parametrize("name", ["\U0001d49c" * LONGEST_USERNAME, 'a","b', "a\nb", "'; --", "\x7f", "\uffff"])
def test_any_other_text_is_a_position(graphql, db, name):
    """Nobody needs to have the name; the longest of the widest letters fits."""
    people(NAMES)
    cursor = cursor_of(":USERNAME:ASC", name, KEY)

    answers = [
        graphql(PAGE, first=100, orderBy={"field": "USERNAME", "direction": "ASC"}, **{argument: cursor})
        for argument in ("after", "before")
    ]

    assert [answer.codes for answer in answers] == [[], []]
    assert sum(len(answer.data["users"]["edges"]) for answer in answers) == len(NAMES)


def test_the_longest_username_has_a_cursor(page, db):
    """Also of letters that take four bytes each."""
    people(["ada", "\U00020000" * LONGEST_USERNAME, "\U00020001" * LONGEST_USERNAME])
    order = {"field": "USERNAME", "direction": "ASC"}

    users = page(first=2, orderBy=order)

    assert names(page(first=2, after=users["pageInfo"]["endCursor"], orderBy=order)) == expected(order)[2:]


def test_disabled_accounts_are_hidden_in_every_order(page, db):
    """As in the list without an order."""
    people(NAMES)
    Account.objects.filter(username__in=NAMES[:5]).update(is_active=False)

    assert [len(names(page(first=100, orderBy=order))) for order in ORDERS] == [len(NAMES) - 5] * len(ORDERS)


@pytest.mark.parametrize(
    "order", [{"field": "EMAIL"}, {"field": "username"}, {"field": "USERNAME", "direction": "UP"}, {}, "USERNAME", []]
)
def test_another_order_is_bad_user_input(graphql, db, order):
    """Nobody orders by what is not public."""
    assert graphql(PAGE, orderBy=order).codes == ["BAD_USER_INPUT"]


@pytest.fixture
def crowd(db) -> None:
    """Enough accounts for an index to be worth while, two of three disabled."""
    now = timezone.now()
    Account.objects.bulk_create(
        Account(
            email=f"user{n}@example.com",
            username=f"user{n * 7919 % 3000}",
            first_name="U",
            is_active=n % 3 == 0,
            date_joined=now - timedelta(hours=n // 2),
        )
        for n in range(3000)
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # What other tests rolled back still fills the indexes, and the planner counts it.
            cursor.execute("REINDEX TABLE accounts_account")
        cursor.execute("ANALYZE accounts_account")


DEEP = {
    "the first page": ({"first": 20}, ""),
    "the last page": ({"last": 20}, ""),
    "a deep page": ({"first": 20, "after": 2500}, "after"),
    "a deep page backwards": ({"last": 20, "before": 500}, "before"),
    "between two": ({"first": 20, "after": 1500, "before": 2500}, "after"),
}
INDEXES = {"DATE_JOINED": "account_active_newest_first", "USERNAME": "account_active_by_username"}


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: " ".join(order.values()))
def test_a_page_of_an_order_reads_its_own_rows_only(graphql, crowd, order):
    """By the index of the order, entered at the cursor: however deep the page, and whichever way."""
    column, is_descending = COLUMNS[order["field"]], order["direction"] == "DESC"
    sign = "-" if is_descending else ""
    rows = list(Account.objects.order_by(f"{sign}{column}", f"{sign}pk").values_list(column, "pk"))
    suffix = "" if order == ORDERS[1] else ":{field}:{direction}".format(**order)

    def cursor(index: int) -> str:
        value, key = rows[index]
        return cursor_of(suffix, value if column == "username_key" else value.isoformat(), key)

    for arguments, entered in DEEP.values():
        given = {key: cursor(value) if key in {"after", "before"} else value for key, value in arguments.items()}
        with statements() as sent:
            assert len(graphql(PAGE, orderBy=order, **given).data["users"]["edges"]) == 20
        assert len(sent) == 1
        comparison = entered and (">" if (entered == "after") != is_descending else "<")
        assert_reads_its_rows(plan_of(sent[0]), INDEXES[order["field"]], column, comparison)


def assert_reads_its_rows(plan: str, index: str, column: str, comparison: str) -> None:
    """That the plan enters the index of this column by this comparison, if there is one, and reads 21 rows."""
    assert index in plan, plan
    if connection.vendor == "postgresql":
        assert re.search(r"Index Scan.* \(actual rows=21(\.00)? loops=1\)", plan), plan
        assert "Filter" not in plan
        assert "Sort" not in plan
        condition = rf"Index Cond: .*ROW\(\(?{column}(\)::text)?, id\) {comparison} ROW\("
        assert bool(re.search(condition, plan)) == bool(comparison), plan
    else:
        assert "TEMP B-TREE" not in plan
        assert plan.startswith("SEARCH" if comparison else "SCAN")
        assert (f"({column},id)" in plan) == bool(comparison), plan


def test_several_orders_in_one_operation_do_not_mix(graphql, db):
    """Each alias its own."""
    people(["bob", "Ada", "carl"])
    make_account(username="zed")

    data = graphql(
        """{
          a: users(orderBy: {field: USERNAME, direction: ASC}) { nodes { username } }
          b: users(orderBy: {field: DATE_JOINED, direction: ASC}, first: 3) { nodes { username } }
          c: users(first: 1) { nodes { username } }
        }"""
    ).data

    assert [node["username"] for node in data["a"]["nodes"]] == ["Ada", "bob", "carl", "zed"]
    assert {node["username"] for node in data["b"]["nodes"]} == {"Ada", "bob", "carl"}
    assert [node["username"] for node in data["c"]["nodes"]] == ["zed"]

"""`node` and `nodes`: null for whatever the viewer may not see, without a difference."""

import base64
import dataclasses
import uuid

import pytest

from accounts.conf import Visibility
from tests.factories import make_account

NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on Account { email } ... on User { username } } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


def global_id(type_name: str, key: object) -> str:
    """A Relay id."""
    return base64.b64encode(f"{type_name}:{key}".encode()).decode()


def user_id(account) -> str:
    """Of the public profile."""
    return global_id("User", account.pk)


def account_id(account) -> str:
    """Of the account."""
    return global_id("Account", account.pk)


def test_an_id_leads_back_to_what_it_is_of(graphql, signed_in):
    """Both of a person's objects, as the API itself gives their ids."""
    me = graphql("{ me { id publicProfile { id } } }", token=signed_in.access_token).data["me"]

    account = graphql(NODE, token=signed_in.access_token, id=me["id"]).data["node"]
    profile = graphql(NODE, token=signed_in.access_token, id=me["publicProfile"]["id"]).data["node"]

    assert account == {"__typename": "Account", "id": me["id"], "email": signed_in.account.email}
    assert profile == {
        "__typename": "User",
        "id": me["publicProfile"]["id"],
        "username": signed_in.account.username,
    }


def test_an_account_is_for_its_holder_only(graphql, signed_in):
    """S65: others, staff's too, and nobody get null."""
    other = make_account(is_staff=True, is_superuser=True)

    assert graphql(NODE, token=signed_in.access_token, id=account_id(other)).data["node"] is None
    assert graphql(NODE, id=account_id(signed_in.account)).data["node"] is None


def test_staff_see_no_foreign_account_either(graphql, sign_in, account):
    """S65: the administration is where staff look."""
    staff = sign_in(make_account(is_staff=True, is_superuser=True))

    assert graphql(NODE, token=staff.access_token, id=account_id(account)).data["node"] is None


def test_a_profile_is_for_everyone(graphql, account):
    """As in `users`."""
    node = graphql(NODE, id=user_id(account)).data["node"]

    assert node == {"__typename": "User", "id": user_id(account), "username": account.username}


def headers_of(answer) -> dict[str, str]:
    """All but what is of its own kind in each answer."""
    return {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}


@pytest.mark.parametrize("what", ["disabled", "private", "unknown", "deleted"])
def test_what_may_not_be_seen_is_null_without_a_difference(graphql, settings, account, what):
    """S65: byte-equal answers."""
    unknown = graphql(NODE, id=global_id("User", uuid.uuid4()))
    key = account.pk
    if what == "disabled":
        account.is_active = False
        account.save()
    elif what == "private":
        settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, users_visibility=Visibility.AUTHENTICATED)
    elif what == "deleted":
        account.delete()
    else:
        key = uuid.uuid4()

    hidden = graphql(NODE, id=global_id("User", key))

    assert hidden.data["node"] is None
    assert (hidden.status, hidden.body) == (unknown.status, unknown.body)
    assert headers_of(hidden) == headers_of(unknown)


def test_profiles_hidden_from_the_signed_out_are_shown_to_the_signed_in(graphql, settings, signed_in):
    """One rule for `users` and `node`."""
    other = make_account()
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, users_visibility=Visibility.AUTHENTICATED)

    assert graphql(NODE, id=user_id(other)).data["node"] is None
    assert graphql(NODE, token=signed_in.access_token, id=user_id(other)).data["node"]["id"] == user_id(other)


MALFORMED = [
    "", " ", "x", "é", "💥", "\0", "====", "a" * 5000, "User", "1", "VXNlcg==",
    global_id("User", 1), global_id("User", ""), global_id("User", "\0"), global_id("", uuid.uuid4()),
    global_id("user", uuid.uuid4()), global_id("Client", 1), global_id("Session", uuid.uuid4()),
    global_id("Query", 1), global_id("__Type", 1), global_id("AccessToken", 1), global_id("Node",
    uuid.uuid4()),
    global_id("User", f"{uuid.uuid4()}:{uuid.uuid4()}"), global_id("User", "9" * 4000),
    base64.b64encode(b"\xff\xfe:\xff").decode(), base64.b64encode(b":").decode(), "VXNlcjo\n",
    "VXNlcjo=\u202e",
]  # fmt: skip


@pytest.mark.parametrize("id_", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_id_is_null(graphql, db, id_):
    """S65: an unknown type, another kind of key, no base64: all the same, never a 5xx."""
    answer = graphql(NODE, id=id_)

    assert answer.status == 200
    assert answer.data == {"node": None}


@pytest.mark.parametrize("id_", [5, 10**30, 0])
def test_a_number_is_an_id_as_graphql_has_it(graphql, db, id_):
    """ID takes integers, and none of ours is one."""
    assert graphql(NODE, id=id_).data == {"node": None}


@pytest.mark.parametrize("id_", [None, 1.5, True, [1, 2], {"a": 1}])
def test_what_is_no_id_is_bad_user_input(graphql, db, id_):
    """Of the wrong type."""
    assert graphql(NODE, id=id_).codes == ["BAD_USER_INPUT"]


def test_nodes_come_in_the_order_asked_with_their_duplicates(graphql, signed_in):
    """Null in the place of what may not be seen."""
    one, two = make_account(), make_account()
    ids = [
        user_id(two),
        account_id(one),
        "garbage",
        user_id(one),
        user_id(two),
        account_id(signed_in.account),
    ]
    ids += [user_id(signed_in.account)]

    nodes = graphql(NODES, token=signed_in.access_token, ids=ids).data["nodes"]

    assert [node and node["id"] for node in nodes] == [ids[0], None, None, ids[3], ids[4], ids[5], ids[6]]
    assert [node and node["__typename"] for node in nodes] == [
        "User",
        None,
        None,
        "User",
        "User",
        "Account",
        "User",
    ]


def test_the_same_key_as_both_types_keeps_them_apart(graphql, signed_in):
    """S65, trap 32: the account and the profile of one person, in either order, in one operation."""
    mine = [account_id(signed_in.account), user_id(signed_in.account)]
    query = NODES.replace("{ nodes", "{ me { __typename } n: node(id: $ids_0) { __typename } nodes")
    query = query.replace("($ids", "($ids_0: ID!, $ids")

    for ids in (mine, mine[::-1]):
        data = graphql(query, token=signed_in.access_token, ids=ids, ids_0=ids[1]).data
        names = {mine[0]: "Account", mine[1]: "User"}
        assert [node["__typename"] for node in data["nodes"]] == [names[id_] for id_ in ids]
        assert (data["n"]["__typename"], data["me"]["__typename"]) == (names[ids[1]], "Account")


def test_a_hundred_ids_and_no_more(graphql, account):
    """S48."""
    assert len(graphql(NODES, ids=[user_id(account)] * 100).data["nodes"]) == 100

    answer = graphql(NODES, ids=[user_id(account)] * 101)

    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body.get("data") is None


def test_no_ids_are_no_nodes(graphql, db):
    """An empty list."""
    assert graphql(NODES, ids=[]).data["nodes"] == []


def test_ids_neither_count_nor_follow_each_other(graphql, db):
    """S65: random keys."""
    keys = [make_account().pk for _ in range(3)]

    assert {key.version for key in keys} == {4}


def test_a_fragment_on_the_wrong_type_is_empty(graphql, account):
    """`... on Account` of a profile gives no private field."""
    query = "query ($id: ID!) { node(id: $id) { ... on Account { email lastLogin } } }"

    assert graphql(query, id=user_id(account)).data["node"] == {}

"""How many statements an operation sends to the database: the budget of issue 3."""

from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.people.models import Account
from tests.api import CONVERT, ME, PASSWORD, REFRESH, REGISTER, REVOKE, TOKEN_AUTH
from tests.factories import make_account

CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT", "SET ", "PRAGMA")


@contextmanager
def statements():
    """The statements about data that are sent in the block."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    found += [query["sql"] for query in captured if not query["sql"].upper().startswith(CONTROL)]


def statements_of_me(graphql, token: str) -> int:
    """How many `me` sends."""
    with statements() as sent:
        assert graphql(ME, token=token).data["me"]
    return len(sent)


def test_me_is_one(graphql, signed_in):
    """The look-up."""
    assert [statements_of_me(graphql, signed_in.access_token) for _ in range(2)] == [1, 1]


def test_me_is_two_at_the_first_use_after_a_refresh(graphql, signed_in):
    """S68: the second records that the answer to the refresh arrived."""
    pair = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]

    assert [statements_of_me(graphql, pair["accessToken"]) for _ in range(3)] == [2, 1, 1]


def test_me_signed_out_is_none(graphql):
    """There is nothing to look up."""
    with statements() as sent:
        assert graphql(ME).data["me"] is None

    assert sent == []


def test_everything_about_oneself_is_one(graphql, signed_in):
    """The profile comes with the account."""
    graphql(ME, token=signed_in.access_token)
    query = "{ me { id email subject lastLogin publicProfile { id username firstName } } again: me { id } }"

    with statements() as sent:
        graphql(query, token=signed_in.access_token)

    assert len(sent) == 1


@pytest.mark.parametrize("size", [1, 20, 100])
def test_users_is_at_most_two(graphql, signed_in, size):
    """However many are on the page, cursors and all."""
    Account.objects.bulk_create(
        Account(email=f"u{n}@example.com", username=f"u{n}", first_name="U") for n in range(110)
    )
    graphql(ME, token=signed_in.access_token)
    query = "query ($n: Int) { users(first: $n) { edges { cursor node { id username firstName dateJoined } } nodes { id } pageInfo { hasNextPage endCursor } } }"  # noqa: E501

    with statements() as sent:
        answer = graphql(query, token=signed_in.access_token, n=size)

    assert len(answer.data["users"]["nodes"]) == size
    assert len(sent) <= 2
    assert f"LIMIT {size + 1}" in sent[-1]
    assert "COUNT(" not in sent[-1].upper()


def test_a_page_signed_out_is_one(graphql, account):
    """No look-up of a token."""
    with statements() as sent:
        graphql("{ users { nodes { id } } }")

    assert len(sent) == 1


def test_nodes_is_one_a_type(graphql, signed_in):
    """Not one an id."""
    ids = [graphql("{ users { nodes { id } } }").data["users"]["nodes"][0]["id"]]
    make_account()
    ids += [node["id"] for node in graphql("{ users { nodes { id } } }").data["users"]["nodes"]]
    graphql(ME, token=signed_in.access_token)

    with statements() as sent:
        graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", token=signed_in.access_token, ids=ids * 9)

    assert len(sent) <= 2


def test_token_auth_is_at_most_nine(graphql, account):
    """Client, account, its second factors, tokens, session, last_login."""
    with statements() as sent:
        assert graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD}).data["tokenAuth"]["tokens"]

    assert len(sent) <= 9, sent


def words_of(sent) -> list[str]:
    """How each statement begins, those that control the transaction included."""
    return [query["sql"].split()[0] for query in sent]


@pytest.mark.django_db(transaction=True)
def test_token_auth_is_one_transaction_without_a_savepoint(graphql, default_client):
    """With a verified address: one statement more looks for the device."""
    account = make_account(email_verified=True)
    signing_in = {"email": account.email, "password": PASSWORD}
    graphql(TOKEN_AUTH, input=signing_in)
    with CaptureQueriesContext(connection) as sent:
        assert graphql(TOKEN_AUTH, input=signing_in).data["tokenAuth"]["tokens"]

    # The third read is the gate's, which every journey passes: whether a second factor is on.
    read, pair = ["SELECT", "SELECT", "SELECT"], ["INSERT", "INSERT", "SELECT", "INSERT"]
    assert words_of(sent) == [*read, "BEGIN", "UPDATE", "SELECT", *pair, "INSERT", "COMMIT"]


@pytest.mark.django_db(transaction=True)
def test_refresh_token_is_nine_without_a_savepoint(graphql, signed_in):
    """What every client sends every few minutes: read, lock, trade, write."""
    with CaptureQueriesContext(connection) as sent:
        assert graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]

    written = ["UPDATE", "DELETE", "INSERT", "INSERT", "UPDATE"]
    assert words_of(sent) == ["SELECT", "BEGIN", "SELECT", *written, "COMMIT"]


@pytest.mark.django_db(transaction=True)
def test_a_repeated_refresh_is_eight_without_a_savepoint(graphql, signed_in):
    """The lost answer costs no more."""
    graphql(REFRESH, input={"refreshToken": signed_in.refresh_token})

    with CaptureQueriesContext(connection) as sent:
        assert graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]

    read = ["SELECT", "BEGIN", "SELECT", "SELECT", "SELECT"]
    assert words_of(sent) == [*read, "UPDATE", "UPDATE", "COMMIT"]


@pytest.mark.django_db(transaction=True)
def test_a_refresh_at_the_oauth_endpoint_rotates_by_the_same_statements(client, graphql, signed_in):
    """One path: only how the client is found differs."""
    form = {"grant_type": "refresh_token", "refresh_token": signed_in.refresh_token, "client_id": "web"}
    with CaptureQueriesContext(connection) as sent:
        assert client.post("/o/token/", form).status_code == 200

    begin = words_of(sent).index("BEGIN")
    written = ["UPDATE", "DELETE", "INSERT", "INSERT", "UPDATE"]
    assert words_of(sent)[begin : begin + 8] == ["BEGIN", "SELECT", *written, "COMMIT"]
    assert len(sent) <= 11


def test_a_failed_sign_in_does_not_depend_on_the_cause(graphql, account):
    """S2: as many statements for an unknown address as for a wrong password."""
    counts = set()
    for email in (account.email, "unknown@example.com"):
        with statements() as sent:
            graphql(TOKEN_AUTH, input={"email": email, "password": "wrong"})
        counts.add(len(sent))

    assert len(counts) == 1


def test_registering_stays_small(graphql):
    """No promise of the issue; a guard against growth. Two are the code and the mail that confirm the address."""
    given = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
    with statements() as sent:
        assert graphql(REGISTER, input=given).data["register"]["tokens"]

    assert len(sent) <= 14, sent


def test_a_sign_in_through_a_provider_stays_small(graphql, providers):
    """No promise of the issue; a guard against growth: the first one, and a later one."""
    for most in (26, 14):
        credential = {"idToken": providers["openid"].id_token(jti=str(most))}
        with statements() as sent:
            payload = graphql(CONVERT, input={"provider": "corp", "credential": credential}).data["convertSocialToken"]
        assert payload["tokens"]
        assert len(sent) <= most, sent


def test_linked_accounts_are_one_more(graphql, signed_in):
    """However many."""
    query = "{ me { id socialAccounts { id provider } } }"
    graphql(query, token=signed_in.access_token)

    with statements() as sent:
        graphql(query, token=signed_in.access_token)

    assert len(sent) == 2


def test_the_sessions_are_one_more(graphql, signed_in, sign_in):
    """However many, with their clients and which is the current one."""
    query = "{ me { id sessions { nodes { id clientName isCurrent device remembersBrowser } } } }"
    for _ in range(3):
        sign_in(signed_in.account)
    graphql(query, token=signed_in.access_token)

    with statements() as sent:
        answer = graphql(query, token=signed_in.access_token)

    assert len(answer.data["me"]["sessions"]["nodes"]) == 4
    assert len(sent) == 2
    assert "LIMIT 21" in sent[-1]


def test_until_when_they_are_proved_is_one_more(graphql, signed_in, sign_in):
    """S88: whether the account has a second factor, for all of them."""
    query = "{ me { sessions { nodes { reauthenticatedUntil } } } }"
    sign_in(signed_in.account)
    graphql(query, token=signed_in.access_token)

    with statements() as sent:
        graphql(query, token=signed_in.access_token)

    assert len(sent) == 3


@pytest.mark.parametrize("query", ["{ __typename }", "{ __schema { queryType { name } } }"])
@pytest.mark.parametrize("token", ["live", "unknown"])
def test_an_anonymous_operation_spends_nothing_on_its_header(graphql, signed_in, query, token):
    """@anonymous: the header is not looked at."""
    with statements() as sent:
        graphql(query, token=signed_in.access_token if token == "live" else token)

    assert sent == []


def test_an_anonymous_mutation_spends_nothing_on_its_header(graphql, signed_in):
    """As many statements with it as without."""
    counts = []
    for token in (None, signed_in.access_token):
        with statements() as sent:
            graphql(TOKEN_AUTH, token=token, input={"email": "unknown@example.com", "password": PASSWORD})
        counts.append(len(sent))

    assert counts[0] == counts[1]


def test_a_refused_document_spends_nothing(graphql, signed_in):
    """400 comes before the Bearer."""
    with statements() as sent:
        graphql("{ me { nothing } }", token=signed_in.access_token)
        graphql("{ me {", token=signed_in.access_token)

    assert sent == []


def test_revoking_is_small(graphql, signed_in):
    """A guard against growth."""
    with statements() as sent:
        graphql(REVOKE, input={"token": signed_in.refresh_token})

    assert len(sent) <= 20, sent

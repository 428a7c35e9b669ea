"""S64: a server-side front end has one address; which end user it asks for, only a trusted one may say."""

import json

import pytest

from accounts.tokens.models import Client, Session
from tests.api import PASSWORD, REFRESH, TOKEN_AUTH
from tests.factories import make_client

END_USER = {"End-User-IP": "203.0.113.9", "End-User-Agent": "Firefox", "User-Agent": "Next.js"}
STATED = ("203.0.113.9", "Firefox")
OBSERVED = ("127.0.0.1", "Next.js")


def sign_in(graphql, account, *, headers=END_USER, **more):
    """The payload."""
    answer = graphql(TOKEN_AUTH, headers=headers, input={"email": account.email, "password": PASSWORD, **more})
    payload = answer.data["tokenAuth"]
    assert payload["errors"] == []
    return payload


def seen():
    """What the only session says."""
    return Session.objects.values_list("ip_address", "user_agent").get()


@pytest.fixture
def trusted(db) -> tuple[Client, str]:
    """A confidential client with the flag."""
    return make_client(client_type=Client.CLIENT_CONFIDENTIAL, states_end_user=True)


def test_a_trusted_client_states_the_end_user(graphql, account, trusted):
    """At the sign-in and at each refresh."""
    client, secret = trusted
    tokens = sign_in(graphql, account, clientId=client.client_id, clientSecret=secret)["tokens"]
    assert seen() == STATED

    again = {"refreshToken": tokens["refreshToken"], "clientSecret": secret}
    headers = {**END_USER, "End-User-IP": "2001:DB8::1"}
    assert graphql(REFRESH, headers=headers, input=again).data["refreshToken"]["errors"] == []
    assert seen() == ("2001:db8::1", "Firefox")


def test_a_trusted_client_states_the_end_user_by_rest(graphql, account, trusted, client):
    """`/o/token/` is the same code."""
    application, secret = trusted
    tokens = sign_in(graphql, account, headers={}, clientId=application.client_id, clientSecret=secret)["tokens"]
    body = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refreshToken"],
        "client_id": application.client_id,
        "client_secret": secret,
    }

    assert client.post("/o/token/", body, headers=END_USER).status_code == 200
    assert seen() == STATED


@pytest.mark.parametrize(
    "fields",
    [
        {"client_type": Client.CLIENT_CONFIDENTIAL},
        {"client_type": Client.CLIENT_PUBLIC},
        {"client_type": Client.CLIENT_PUBLIC, "states_end_user": True},
    ],
)
def test_nobody_elses_header_counts(graphql, account, fields):
    """Not without the flag; and whoever knows a public client's id could say so."""
    client, secret = make_client(**fields)
    shown = {"clientSecret": secret} if fields["client_type"] == Client.CLIENT_CONFIDENTIAL else {}

    sign_in(graphql, account, clientId=client.client_id, **shown)

    assert seen() == OBSERVED


def test_the_default_client_states_nobody(graphql, account):
    """The header of a browser."""
    sign_in(graphql, account)

    assert seen() == OBSERVED


@pytest.mark.parametrize("address", ["nonsense", "203.0.113.9, 10.0.0.1", "fe80::1%eth0", "1.2.3", "x" * 5000])
def test_what_is_no_address_is_nobodys(graphql, account, trusted, address):
    """No 5xx, and not the address of the front end's server either."""
    client, secret = trusted

    sign_in(
        graphql,
        account,
        headers={**END_USER, "End-User-IP": address},
        clientId=client.client_id,
        clientSecret=secret,
    )

    assert seen() == (None, "Firefox")


def test_the_header_alone_opens_nothing(graphql, account, trusted):
    """The secret comes first."""
    client, _secret = trusted
    given = {"email": account.email, "password": PASSWORD, "clientId": client.client_id, "clientSecret": "wrong"}

    payload = graphql(TOKEN_AUTH, headers=END_USER, input=given).data["tokenAuth"]

    assert [error["code"] for error in payload["errors"]] == ["INVALID_CLIENT"]
    assert not Session.objects.exists()
    assert "203.0.113.9" not in json.dumps(payload)


def test_only_a_confidential_client_can_be_trusted_so(admin_client):
    """The administration says so."""
    given = {"name": "app", "client_type": "public", "first_party": "on", "refresh_token_transport": "BODY"}

    answer = admin_client.post("/admin/accounts/client/add/", {**given, "states_end_user": "on"})

    assert "states_end_user" in answer.context["adminform"].form.errors
    assert not Client.objects.exists()

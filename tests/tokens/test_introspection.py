"""Who may introspect which token (RFC 7662 §4), and that a resource server can do nothing else."""

import io
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone

from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.tokens.api import AccessToken
from accounts.tokens.models import RESOURCE_SERVER, Client, Session
from tests.api import PASSWORD, REFRESH, codes
from tests.factories import make_account, make_client
from tests.tokens.test_oauth_endpoints import basic


@pytest.fixture
def resource_server(db):
    """A resource server as `ensure_client` makes it, and its secret."""
    out = io.StringIO()
    call_command("ensure_client", "--client-id", "orders", "--resource-server", stdout=out)
    return Client.objects.get(client_id="orders"), out.getvalue().split()[-1]


@pytest.fixture
def third_party(db):
    """A third party's confidential client that has tokens of its own, and its secret."""
    return make_client(
        client_type=Client.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS,
        first_party=False,
    )


def introspected(client, token, asking):
    """What the client is told of the token."""
    return client.post("/o/introspect/", {"token": token}, headers=basic(*asking)).json()


def test_a_resource_server_introspects_the_tokens_of_all_clients(client, graphql, sign_in, resource_server):
    """Those of each application of ours."""
    make_client(client_id="ios")
    for client_id in ("web", "ios"):
        token = sign_in(make_account(), clientId=client_id).access_token

        answer = introspected(client, token, resource_server)

        assert (answer["active"], answer["client_id"], answer["scope"]) == (True, client_id, "account")


def test_a_first_party_confidential_client_introspects_the_tokens_of_all_clients(client, signed_in):
    """A server of ours, such as one that renders pages."""
    server = make_client(client_type=Client.CLIENT_CONFIDENTIAL)

    assert introspected(client, signed_in.access_token, server)["client_id"] == "web"


def test_a_third_party_learns_nothing_of_another_clients_token(client, graphql, signed_in, third_party):
    """RFC 7662 §2.2, §4: the answer for an unknown token; the token does not count as used (S68)."""
    given = {"refreshToken": signed_in.refresh_token}
    pair = graphql(REFRESH, input=given).data["refreshToken"]["tokens"]
    before = SecurityEvent.objects.count()

    assert introspected(client, pair["accessToken"], third_party) == {"active": False}

    assert Session.objects.get().unused_token_id is not None
    assert SecurityEvent.objects.count() == before
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        repeated = graphql(REFRESH, input=given).data["refreshToken"]
    assert codes(repeated) == []
    assert Session.objects.exists()


def test_a_third_party_introspects_its_own_tokens(client, third_party):
    """So that its parts can verify what they get from each other."""
    headers = basic(*third_party)
    token = client.post("/o/token/", {"grant_type": "client_credentials"}, headers=headers).json()["access_token"]

    assert introspected(client, token, third_party)["client_id"] == third_party[0].client_id


def test_why_a_token_is_not_active_is_in_the_log(client, signed_in, third_party, caplog):
    """S74: the client is told nothing, and the log holds no token."""
    with caplog.at_level("INFO", "accounts.tokens.endpoints"):
        introspected(client, signed_in.access_token, third_party)

    assert [record.getMessage() for record in caplog.records] == [
        f"introspection refused: another client's token (client {third_party[0].pk})"
    ]


@pytest.mark.parametrize("grant_type", ["client_credentials", "refresh_token", "authorization_code"])
def test_a_resource_server_gets_no_tokens(client, graphql, signed_in, resource_server, grant_type):
    """RFC 6749 §5.2: by no grant, also with somebody's refresh token."""
    before = set(AccessToken.objects.values_list("token_checksum", flat=True))
    form = {"grant_type": grant_type, "refresh_token": signed_in.refresh_token, "code": "x", "redirect_uri": "x"}

    answer = client.post("/o/token/", form, headers=basic(*resource_server))

    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assert set(AccessToken.objects.values_list("token_checksum", flat=True)) == before
    assert graphql("{ me { id } }", token=signed_in.access_token).status == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_resource_server_revokes_nothing(client, graphql, signed_in, resource_server, kind):
    """RFC 7009 §2.1: it is not the client of the token."""
    answer = client.post("/o/revoke_token/", {"token": getattr(signed_in, kind)}, headers=basic(*resource_server))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert graphql("{ me { id } }", token=signed_in.access_token).status == 200


MUTATIONS = {
    "tokenAuth": ("TokenAuthInput", {"email": "ada@example.com", "password": PASSWORD}),
    "register": (
        "RegisterInput",
        {"email": "new@example.com", "username": "new", "firstName": "New", "password": PASSWORD},
    ),
    "refreshToken": ("RefreshTokenInput", {"refreshToken": "a token"}),
    "revokeToken": ("RevokeTokenInput", {"token": "a token"}),
    "convertSocialToken": (
        "ConvertSocialTokenInput",
        {"provider": "google", "credential": {"accessToken": "a token"}},
    ),
    "tokenAuthWithCode": (
        "TokenAuthWithCodeInput",
        {"credential": {"code": {"challengeToken": "x", "code": "123456"}}},
    ),
}
"""What signs in, refreshes or revokes, and takes a client's secret."""


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_resource_server_signs_nobody_in(graphql, signed_in, resource_server, mutation):
    """S60, S66: not with its secret, whatever else it knows."""
    make_account(email="ada@example.com")
    input_type, given = MUTATIONS[mutation]
    known = {
        "token": signed_in.access_token,
        "refreshToken": signed_in.refresh_token,
    }
    given = {name: known.get(name, value) for name, value in given.items()}
    of_client = {"clientId": "orders", "clientSecret": resource_server[1]}
    query = f"mutation ($input: {input_type}!) {{ {mutation}(input: $input) {{ errors {{ code }} }} }}"
    sessions, accounts = set(Session.objects.values_list("pk", "last_used_at")), Account.objects.count()

    payload = graphql(query, input={**given, **of_client}).data[mutation]

    assert codes(payload) == ["INVALID_CLIENT"]
    assert set(Session.objects.values_list("pk", "last_used_at")) == sessions
    assert Account.objects.count() == accounts


def test_a_resource_server_is_not_given_the_scope_account(client, resource_server):
    """S60: there is no scope that it may ask for."""
    form = {"grant_type": "client_credentials", "scope": "account"}

    assert client.post("/o/token/", form, headers=basic(*resource_server)).json()["error"] == "unauthorized_client"
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("first_party", True),
        ("states_end_user", True),
        ("redirect_uris", "https://a.example/cb"),
        ("client_type", Client.CLIENT_PUBLIC),
    ],
)
def test_a_resource_server_is_nothing_else(resource_server, name, value):
    """The model refuses it, for the administration and commands alike."""
    client, _secret = resource_server
    setattr(client, name, value)

    with pytest.raises(ValidationError) as refusal:
        client.full_clean()

    assert name in refusal.value.message_dict


def test_no_client_is_named_like_a_program_of_operators(db):
    """Security events name both in one column."""
    client = Client(client_id="program:cron", authorization_grant_type=RESOURCE_SERVER, client_type="confidential")

    with pytest.raises(ValidationError, match="reserved"):
        client.full_clean()


NEW = {"name": "orders", "client_type": "confidential", "refresh_token_transport": "BODY"}


def test_the_administration_makes_a_resource_server_and_shows_that_it_is_one(admin_client, client, signed_in):
    """Its secret once; it introspects, and the page of the client cannot make it something else."""
    page = admin_client.post("/admin/accounts/client/add/", {**NEW, "resource_server": "on"})

    made = Client.objects.get(name="orders")
    assert (made.is_resource_server, made.first_party) == (True, False)
    assert introspected(client, signed_in.access_token, (made, page.context["client_secret"]))["active"] is True
    change = f"/admin/accounts/client/{made.pk}/change/"
    assert b'alt="True"' in admin_client.get("/admin/accounts/client/").content
    assert b'alt="True"' in admin_client.get(change).content
    admin_client.post(change, {**NEW, "name": "renamed", "resource_server": ""})
    made.refresh_from_db()
    assert (made.name, made.is_resource_server) == ("renamed", True)
    refused = admin_client.post(change, {**NEW, "first_party": "on"})
    assert "first_party" in refused.context["adminform"].form.errors
    made.refresh_from_db()
    assert not made.first_party


def test_the_administration_makes_no_other_client_a_resource_server(admin_client):
    """Without the tick it is what it was before."""
    admin_client.post("/admin/accounts/client/add/", {**NEW, "first_party": "on"})
    made = Client.objects.get(name="orders")
    admin_client.post(
        f"/admin/accounts/client/{made.pk}/change/", {**NEW, "first_party": "on", "resource_server": "on"}
    )

    made.refresh_from_db()
    assert (made.authorization_grant_type, made.first_party) == (Client.GRANT_AUTHORIZATION_CODE, True)


def test_the_administration_refuses_a_public_resource_server(admin_client):
    """It could not show who it is."""
    answer = admin_client.post("/admin/accounts/client/add/", {**NEW, "client_type": "public", "resource_server": "on"})

    assert "client_type" in answer.context["adminform"].form.errors
    assert not Client.objects.exists()

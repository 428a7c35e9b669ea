"""What reaches `/o/`: nobody's parameters become ours, and every answer is JSON that nobody stores."""

import base64

import pytest

from accounts.bearer_tokens import AccessToken
from accounts.models import Client, Session
from tests.api import ME, REFRESH, TOKEN_AUTH, codes
from tests.factories import PASSWORD, make_account, make_client

ENDPOINTS = ["/o/token/", "/o/revoke_token/", "/o/introspect/"]


def basic(client: Client, secret: str) -> dict[str, str]:
    """A confidential client's Authorization header."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()}


@pytest.fixture
def machine(db):
    """A confidential client for client_credentials, and its header."""
    client, secret = make_client(
        client_type=Client.CLIENT_CONFIDENTIAL, authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS
    )
    return client, basic(client, secret)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("more", [{"encoding": "foo"}, {"client": "x"}, {"user": "x"}, {"headers": "x"}])
def test_a_parameter_that_is_oauthlibs_own_attribute_is_ignored(client, machine, endpoint, more):
    """No 5xx, with credentials or without."""
    body = {"grant_type": "client_credentials", "token": "x", **more}

    assert client.post(endpoint, body).status_code < 500
    assert client.post(endpoint, body, headers=machine[1]).status_code < 500
    assert client.post(f"{endpoint}?a=%zz", body, headers=machine[1]).status_code < 500


@pytest.mark.parametrize("name", ["session", "refresh_token_instance", "caller", "scopes", "resource"])
def test_a_parameter_that_is_our_own_attribute_is_ignored(client, machine, name):
    """A token is issued as without it."""
    body = {"grant_type": "client_credentials", name: "https://a/\0"}

    assert client.post("/o/token/", body, headers=machine[1]).status_code == 200
    assert AccessToken.objects.get().resource == []


def test_nothing_that_was_sent_comes_back_as_html(client, graphql, signed_in):
    """An error of DOT's own echoed a `resource` as text/html."""
    body = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": "x", "resource": "<h1>"}

    for answer in (client.post(endpoint, body) for endpoint in ENDPOINTS):
        assert answer["Content-Type"] == "application/json"
        assert answer["Cache-Control"] == "no-store"
        assert b"<h1>" not in answer.content


def test_a_client_that_is_no_longer_first_party_loses_the_scope(client, graphql, signed_in):
    """S60: at once, and at the next refresh by either way."""
    Client.objects.update(first_party=False)

    assert graphql(ME, token=signed_in.access_token).status == 403
    assert codes(graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]) == [
        "INVALID_CLIENT"
    ]
    body = {"grant_type": "refresh_token", "refresh_token": signed_in.refresh_token, "client_id": "web"}
    answer = client.post("/o/token/", body).json()
    assert "account" not in answer["scope"]
    assert graphql(ME, token=answer["access_token"]).status == 403


def test_use_at_a_resource_server_is_use(client, graphql, signed_in, machine):
    """S68: whoever introspects a token has seen it used, so its answer was not lost."""
    pair = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
    before = AccessToken.objects.latest("created").updated

    answer = client.post("/o/introspect/", {"token": pair["accessToken"]}, headers=machine[1]).json()

    assert answer["active"] is True
    assert answer["sub"] == str(signed_in.account.pk)
    assert "username" not in answer
    assert AccessToken.objects.latest("created").updated > before


def test_why_a_client_is_refused_is_in_the_log(graphql, account, caplog):
    """S74: the client is told INVALID_CLIENT only."""
    third_party, _ = make_client(first_party=False)
    given = {"email": account.email, "password": PASSWORD}
    with caplog.at_level("INFO", "accounts.bearer_tokens.clients"):
        for client in ({"clientId": "nobody"}, {"clientId": third_party.client_id}, {"clientSecret": "x"}):
            assert codes(graphql(TOKEN_AUTH, input={**given, **client}).data["tokenAuth"]) == ["INVALID_CLIENT"]

    causes = [record.getMessage().split(": ")[1].split(" (")[0] for record in caplog.records]
    assert causes == ["unknown", "not first party, or without refresh tokens", "secret for a public client"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("credential", ["{}", "{accessToken: null}", "{accessToken: $token}"])
def test_a_credential_that_is_none_is_bad_user_input(graphql, credential):
    """However it is written: not an error of ours."""
    variables = "($token: String)" if "$" in credential else ""
    text = f'mutation {variables} {{ convertSocialToken(input: {{provider: "google", credential: {credential}}})'

    answer = graphql(f"{text} {{ errors {{ code }} }} }}")

    assert answer.codes == ["BAD_USER_INPUT"]


def test_an_enum_value_that_is_none_is_not_echoed(graphql):
    """S47: a secret in the wrong place."""
    given = {"email": "a@example.com", "password": "x", "refreshTokenTransport": "my-secret-token"}

    assert "my-secret-token" not in str(graphql(TOKEN_AUTH, input=given).body)


def test_another_staff_members_account_is_not_staffs_business(client, graphql, sign_in):
    """Nor its password, nor its sessions: either would be a way to its permissions."""
    from django.contrib.auth.models import Permission

    somebody, boss = make_account(is_staff=True), make_account(is_staff=True)
    somebody.user_permissions.set(Permission.objects.filter(codename__in=["change_account", "view_session"]))
    sign_in(boss)
    client.force_login(somebody, backend="django.contrib.auth.backends.ModelBackend")
    password = {"password1": "another long password", "password2": "another long password"}

    assert client.post(f"/admin/accounts/account/{boss.pk}/password/", password).status_code == 403
    client.post(f"/admin/accounts/session/{Session.objects.get().pk}/delete/", {"post": "yes"})

    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)
    assert Session.objects.count() == 1


def test_a_password_given_by_staff_ends_the_accounts_sessions(client, graphql, signed_in):
    """S10: whoever knew the old one may be signed in with it."""
    client.force_login(
        make_account(is_staff=True, is_superuser=True), backend="django.contrib.auth.backends.ModelBackend"
    )
    password = {"password1": "another long password", "password2": "another long password", "usable_password": "true"}

    assert client.post(f"/admin/accounts/account/{signed_in.account.pk}/password/", password).status_code == 302

    assert not Session.objects.exists()
    assert graphql(ME, token=signed_in.access_token).status == 401

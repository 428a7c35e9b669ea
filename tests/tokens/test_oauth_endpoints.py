"""What reaches `/o/`: nobody's parameters become ours, and every answer is JSON that nobody stores."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.signals import app_authorized

from accounts.tokens.api import AccessToken
from accounts.tokens.families import checksum, end_family
from accounts.tokens.models import Client, Session
from accounts.tokens.server import Validator
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


@pytest.mark.parametrize("name", ["exchange", "refresh_token_instance", "scopes", "resource"])
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
    """S68: introspecting a token shows that its answer was not lost, so a replay after the grace ends the session."""
    given = {"refreshToken": signed_in.refresh_token}
    pair = graphql(REFRESH, input=given).data["refreshToken"]["tokens"]

    answer = client.post("/o/introspect/", {"token": pair["accessToken"]}, headers=machine[1]).json()

    assert answer["active"] is True
    assert answer["sub"] == str(signed_in.account.pk)
    assert "username" not in answer
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        assert codes(graphql(REFRESH, input=given).data["refreshToken"]) == ["INVALID_GRANT"]
    assert not Session.objects.exists()


def test_introspecting_a_token_without_a_session_writes_nothing(client, machine):
    """A client_credentials token answers no refresh."""
    body = {"grant_type": "client_credentials"}
    token = client.post("/o/token/", body, headers=machine[1]).json()["access_token"]

    with CaptureQueriesContext(connection) as statements:
        answer = client.post("/o/introspect/", {"token": token}, headers=machine[1]).json()

    assert answer["active"] is True
    assert not [sent["sql"] for sent in statements if sent["sql"].startswith("UPDATE")]


@pytest.mark.parametrize("name", ["oauth-authorization-server", "oauth-protected-resource"])
def test_without_a_public_url_there_is_no_metadata(client, settings, name):
    """S91: rather than one of the Host header's making; nor for another issuer or resource than ours."""
    assert client.get(f"/.well-known/{name}/another").status_code == 404
    settings.LATCHKEY = replace(settings.LATCHKEY, public_urls=())

    assert client.get(f"/.well-known/{name}").status_code == 404


def test_why_a_client_is_refused_is_in_the_log(graphql, account, caplog):
    """S74: the client is told INVALID_CLIENT only."""
    third_party, _ = make_client(first_party=False)
    given = {"email": account.email, "password": PASSWORD}
    with caplog.at_level("INFO", "accounts.tokens.clients"):
        for client in ({"clientId": "nobody"}, {"clientId": third_party.client_id}, {"clientSecret": "x"}):
            assert codes(graphql(TOKEN_AUTH, input={**given, **client}).data["tokenAuth"]) == ["INVALID_CLIENT"]

    causes = [record.getMessage().split(": ")[1].split(" (")[0] for record in caplog.records]
    assert causes == ["unknown", "not first party, or without refresh tokens", "secret for a public client"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("credential", ["{}", "{accessToken: null}", "{accessToken: $token}"])
def test_a_credential_that_is_none_is_no_valid_document(graphql, credential):
    """However it is written: HTTP 400, and not an error of ours."""
    variables = "($token: String)" if "$" in credential else ""
    text = f'mutation {variables} {{ convertSocialToken(input: {{provider: "google", credential: {credential}}})'

    answer = graphql(f"{text} {{ errors {{ code }} }} }}")

    assert (answer.status, answer.codes) == (400, ["GRAPHQL_VALIDATION_FAILED"])


def test_an_enum_value_that_is_none_is_not_echoed(graphql):
    """S47: a secret in the wrong place."""
    given = {"email": "a@example.com", "password": "x", "refreshTokenTransport": "my-secret-token"}

    assert "my-secret-token" not in str(graphql(TOKEN_AUTH, input=given).body)


def test_another_staff_members_account_is_not_staffs_business(admin_browser, graphql, sign_in):
    """Nor its password, nor its sessions: either would be a way to its permissions."""
    from django.contrib.auth.models import Permission

    somebody, boss = make_account(is_staff=True), make_account(is_staff=True)
    somebody.user_permissions.set(Permission.objects.filter(codename__in=["change_account", "view_session"]))
    sign_in(boss)
    admin_browser.force_login(somebody)
    password = {"password1": "another long password", "password2": "another long password"}

    assert admin_browser.post(f"/admin/accounts/account/{boss.pk}/password/", password).status_code == 403
    admin_browser.post(f"/admin/accounts/session/{Session.objects.get().pk}/delete/", {"post": "yes"})

    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)
    assert Session.objects.count() == 1


def test_a_password_given_by_staff_ends_the_accounts_sessions(admin_browser, graphql, signed_in):
    """S10: whoever knew the old one may be signed in with it."""
    admin_browser.force_login(make_account(is_staff=True, is_superuser=True))
    password = {"password1": "another long password", "password2": "another long password", "usable_password": "true"}

    assert admin_browser.post(f"/admin/accounts/account/{signed_in.account.pk}/password/", password).status_code == 302

    assert not Session.objects.exists()
    assert graphql(ME, token=signed_in.access_token).status == 401


def test_a_session_that_ends_before_its_tokens_are_answered_is_no_server_error(client, signed_in, monkeypatch):
    """DOT reads the new access token once more for `app_authorized`, after the transaction that made it."""
    original_scopes = Validator.get_original_scopes

    def end_first(*given, **more):
        end_family(Session.objects.get().token_family)
        return original_scopes(*given, **more)

    monkeypatch.setattr(Validator, "get_original_scopes", end_first)
    body = {"grant_type": "refresh_token", "refresh_token": signed_in.refresh_token, "client_id": "web"}

    answer = client.post("/o/token/", body)

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


def test_a_refresh_is_told_to_whoever_listens_to_dots_signal(client, signed_in):
    """`app_authorized`, with the new access token."""
    heard = []

    def hear(token, **_signal):
        heard.append(token.token_checksum)

    app_authorized.connect(hear)
    body = {"grant_type": "refresh_token", "refresh_token": signed_in.refresh_token, "client_id": "web"}
    try:
        pair = client.post("/o/token/", body).json()
    finally:
        app_authorized.disconnect(hear)

    assert heard == [checksum(pair["access_token"])]

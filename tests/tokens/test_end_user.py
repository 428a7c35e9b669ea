"""S64: a server-side front end has one address; which end user it asks for, only a trusted one may say."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from oauth2_provider.models import get_grant_model

from accounts.conf import rate_limits
from accounts.guard.models import SecurityEvent
from accounts.tokens.models import Client, Session
from tests.api import PASSWORD, REFRESH, TOKEN_AUTH
from tests.factories import make_client
from tests.providers.issuer import s256

Grant = get_grant_model()

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


CODE, VERIFIER = "the-code", "a-verifier-of-forty-three-characters-or-more"


def code_for(account, application):
    """The form that exchanges an authorization code of this account."""
    uri = "https://app.example.com/callback"
    Grant.objects.create(
        user=account,
        code=CODE,
        application=application,
        expires=timezone.now() + timedelta(minutes=1),
        redirect_uri=uri,
        scope="account",
        code_challenge=s256(VERIFIER),
        code_challenge_method="S256",
    )
    return {"grant_type": "authorization_code", "code": CODE, "redirect_uri": uri, "code_verifier": VERIFIER}


@pytest.fixture(params=["refresh_token", "authorization_code"])
def form(request, graphql, account, trusted):
    """A good exchange of the trusted client, but for its secret."""
    application, secret = trusted
    if request.param == "authorization_code":
        return code_for(account, application)
    tokens = sign_in(graphql, account, headers={}, clientId=application.client_id, clientSecret=secret)["tokens"]
    return {"grant_type": "refresh_token", "refresh_token": tokens["refreshToken"]}


def basic(name, secret):
    """RFC 6749 §2.3.1."""
    return {"Authorization": f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"}


def shown(application, secret, *, by_header):
    """Parameters and headers that show the secret; None shows none."""
    if by_header:
        return {}, basic(application.client_id, secret or "")
    return {"client_id": application.client_id, **({"client_secret": secret} if secret is not None else {})}, {}


@pytest.mark.parametrize("by_header", [False, True])
@pytest.mark.parametrize("secret", ["wrong", "", None])
def test_whoever_only_knows_the_clients_id_states_nobody(client, trusted, form, secret, by_header):
    """Else anybody could leave another's address in the records of an account."""
    parameters, headers = shown(trusted[0], secret, by_header=by_header)
    before = list(Session.objects.values_list("ip_address", "user_agent"))

    answer = client.post("/o/token/", form | parameters, headers=END_USER | headers)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert list(Session.objects.values_list("ip_address", "user_agent")) == before
    [event] = SecurityEvent.objects.filter(type__endswith=":failure").values_list("ip_address", "user_agent", "cause")
    assert event == (*OBSERVED, "invalid_client")


@pytest.mark.parametrize("by_header", [False, True])
def test_the_secret_makes_the_statement_count(client, trusted, form, by_header):
    """For both grants, in both forms."""
    parameters, headers = shown(*trusted, by_header=by_header)
    before = list(SecurityEvent.objects.values_list("pk", flat=True))

    answer = client.post("/o/token/", form | parameters, headers=END_USER | headers)

    assert answer.status_code == 200
    assert seen() == STATED
    events = SecurityEvent.objects.exclude(pk__in=before).values_list("ip_address", "user_agent")
    assert set(events) == ({STATED} if form["grant_type"] == "authorization_code" else set())


def test_anothers_secret_is_nobodys_word(client, trusted, form):
    """A client that shows its own secret and names a trusted one."""
    other, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)

    answer = client.post(
        "/o/token/",
        form | {"client_id": trusted[0].client_id},
        headers=END_USER | basic(other.client_id, secret),
    )

    assert answer.status_code == 400
    assert "203.0.113.9" not in str(list(SecurityEvent.objects.values()) + list(Session.objects.values()))


@pytest.mark.parametrize("grant_type", ["refresh_token", "authorization_code"])
def test_whoever_only_knows_the_clients_id_is_limited(client, trusted, settings, grant_type):
    """S56: by their own address, however many they state; and nobody's attempts are used up for them."""
    settings.TRUSTED_PROXIES = 1
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("refresh.address=3/15m"))
    application, secret = trusted
    form = {"grant_type": grant_type, "client_id": application.client_id, "refresh_token": "x", "code": "x"}

    def attempt(number, secret):
        headers = {"End-User-IP": f"203.0.113.{number}"}
        return client.post("/o/token/", form | {"client_secret": secret}, headers=headers).status_code

    answers = [attempt(number, "wrong") for number in range(1, 7)]

    assert answers == [401, 401, 401, 429, 429, 429]
    assert [attempt(1, secret) for _ in range(4)] == [400, 400, 400, 429]


def test_only_a_confidential_client_can_be_trusted_so(admin_client):
    """The administration says so."""
    given = {"name": "app", "client_type": "public", "first_party": "on", "refresh_token_transport": "BODY"}

    answer = admin_client.post("/admin/accounts/client/add/", {**given, "states_end_user": "on"})

    assert "states_end_user" in answer.context["adminform"].form.errors
    assert not Client.objects.exists()

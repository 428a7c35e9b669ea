"""`tokenAuth`: the right password opens, and nothing tells why another does not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.people.models import Account
from accounts.shared.hashers import ConfiguredArgon2Hasher
from accounts.tokens.api import AccessToken
from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, REFRESH, REVOKE, TOKEN_AUTH, codes
from tests.factories import make_account, make_client

FAILING = ["unknown", "wrong", "inactive", "social_only", "inactive_wrong", "social_only_unusable_text"]


class CountingHasher(ConfiguredArgon2Hasher):
    """The real hasher, which counts what it hashes."""

    calls = 0

    def encode(self, password, salt):
        """As the real one."""
        type(self).calls += 1
        return super().encode(password, salt)

    def verify(self, password, encoded):
        """As the real one."""
        type(self).calls += 1
        return super().verify(password, encoded)


@pytest.fixture
def hashed(settings):
    """How often a password is hashed while something runs."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher", *settings.PASSWORD_HASHERS[1:]]

    def count(run) -> int:
        CountingHasher.calls = 0
        run()
        return CountingHasher.calls

    return count


def attempt(case: str) -> dict[str, str]:
    """Input that fails for one reason."""
    if case == "unknown":
        return {"email": "unknown@example.com", "password": PASSWORD}
    password = None if case.startswith("social_only") else PASSWORD
    account = make_account(email=f"{case}@example.com", password=password, is_active=not case.startswith("inactive"))
    typed = {
        "wrong": "wrong " + PASSWORD,
        "inactive_wrong": "x",
        "social_only_unusable_text": account.password,
    }
    return {"email": account.email, "password": typed.get(case, PASSWORD)}


def test_the_right_password_signs_in(graphql, account):
    """The shape of success."""
    payload = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD}).data["tokenAuth"]

    assert payload["errors"] == []
    assert payload["isNewAccount"] is False
    assert payload["account"]["email"] == account.email
    assert payload["tokens"]["scope"] == "account"
    assert payload["tokens"]["tokenType"] == "Bearer"
    assert 14 * 60 <= payload["tokens"]["expiresIn"] <= 15 * 60
    assert graphql(ME, token=payload["tokens"]["accessToken"]).data["me"] == payload["account"]


@pytest.mark.parametrize("spelling", [str.upper, str.title, " {} ".format, "\t{}\n".format])
def test_the_address_is_known_in_any_spelling(graphql, account, spelling):
    """As it is stored."""
    answer = graphql(TOKEN_AUTH, input={"email": spelling(account.email), "password": PASSWORD})

    assert answer.data["tokenAuth"]["errors"] == []


def test_all_refusals_are_alike_to_the_byte(default_client, client):
    """S1: unknown, wrong, inactive, social-only, and whatever else; nothing is stored, last_login stays."""
    bodies = set()
    for case in FAILING:
        response = client.post(
            "/graphql",
            {"query": TOKEN_AUTH, "variables": {"input": attempt(case)}},
            content_type="application/json",
        )
        assert response.status_code == 200
        headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
        bodies.add((response.content, tuple(sorted(headers.items()))))

    assert len(bodies) == 1
    assert b"INVALID_CREDENTIALS" in bodies.pop()[0]
    assert not Session.objects.exists()
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("case", [case for case in FAILING if case != "unknown"])
def test_a_refusal_leaves_last_login_alone(graphql, case):
    """S1, S34."""
    given = attempt(case)

    payload = graphql(TOKEN_AUTH, input=given).data["tokenAuth"]

    assert codes(payload) == ["INVALID_CREDENTIALS"]
    assert payload["errors"][0]["field"] is None
    assert Account.objects.get(email=given["email"]).last_login is None


@pytest.mark.parametrize("case", FAILING)
def test_all_refusals_cost_the_same_work(graphql, hashed, case):
    """S2: exactly one Argon2 run each, as success; counted, not timed."""
    given = attempt(case)

    assert hashed(lambda: graphql(TOKEN_AUTH, input=given)) == 1


def test_success_costs_the_same_work(graphql, account, hashed):
    """S2."""
    given = {"email": account.email, "password": PASSWORD}

    assert hashed(lambda: graphql(TOKEN_AUTH, input=given)) == 1


@pytest.mark.parametrize("email", ["", "no-address", "@", "ada@bücher.example", "x" * 5000, "ada@" + "ü" * 5000])
def test_what_cannot_be_an_address_is_refused_alike(graphql, hashed, email):
    """S1, S2."""
    answers = []
    assert hashed(lambda: answers.append(graphql(TOKEN_AUTH, input={"email": email, "password": PASSWORD}))) == 1

    assert codes(answers[0].data["tokenAuth"]) == ["INVALID_CREDENTIALS"]


def test_an_oversized_password_is_not_hashed(graphql, account, hashed):
    """S5: whoever exists or not: the answer depends on the input alone."""
    for email in (account.email, "unknown@example.com"):
        given = {"email": email, "password": "x" * 100_000}
        assert hashed(lambda given=given: graphql(TOKEN_AUTH, input=given)) == 0
        assert codes(graphql(TOKEN_AUTH, input=given).data["tokenAuth"]) == ["INVALID_CREDENTIALS"]


def test_a_wrong_password_fails_with_a_valid_bearer_too(graphql, signed_in):
    """S24: DOT's back end would sign the Bearer's account in."""
    before = Session.objects.count()

    for email in (signed_in.account.email, make_account().email):
        payload = graphql(TOKEN_AUTH, token=signed_in.access_token, input={"email": email, "password": "wrong"}).data[
            "tokenAuth"
        ]
        assert codes(payload) == ["INVALID_CREDENTIALS"]
        assert payload["tokens"] is None

    assert Session.objects.count() == before


def test_a_stale_bearer_does_not_matter(graphql, account):
    """@anonymous: signing in again is what one does with a stale token."""
    answer = graphql(TOKEN_AUTH, token="stale", input={"email": account.email, "password": PASSWORD})

    assert answer.status == 200
    assert answer.data["tokenAuth"]["errors"] == []


def test_signing_in_is_remembered(graphql, account):
    """last_login is kept, and is part of the account."""
    query = "mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { account { lastLogin } } }"

    answer = graphql(query, input={"email": account.email, "password": PASSWORD})

    account.refresh_from_db()
    assert abs(account.last_login - timezone.now()) < timedelta(minutes=1)
    assert answer.data["tokenAuth"]["account"]["lastLogin"] == account.last_login.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_each_sign_in_is_a_session_of_its_own(sign_in, account, graphql):
    """Ending one leaves the other."""
    phone, laptop = sign_in(account), sign_in(account)

    graphql(REVOKE, input={"token": phone.refresh_token})

    assert graphql(ME, token=phone.access_token).status == 401
    assert graphql(ME, token=laptop.access_token).status == 200


CLIENTS = {
    "unknown": ({"clientId": "nobody"}, "clientId"),
    "NUL": ({"clientId": "web\0"}, "clientId"),
    "another case": ({"clientId": "WEB"}, "clientId"),
    "long": ({"clientId": "x" * 20_000}, "clientId"),
    "a secret for a public one": ({"clientId": "web", "clientSecret": "secret"}, "clientSecret"),
    "a secret for the default": ({"clientSecret": "secret"}, "clientSecret"),
}


@pytest.mark.parametrize("given", CLIENTS)
def test_a_client_that_is_none_is_refused(graphql, account, given):
    """INVALID_CLIENT, before the password is looked at."""
    fields, at = CLIENTS[given]
    for password in (PASSWORD, "wrong"):
        payload = graphql(TOKEN_AUTH, input={"email": account.email, "password": password, **fields}).data["tokenAuth"]
        assert [(error["code"], error["field"]) for error in payload["errors"]] == [("INVALID_CLIENT", [at])]

    assert not Session.objects.exists()
    account.refresh_from_db()
    assert account.last_login is None


@pytest.mark.parametrize(
    "fields",
    [
        {"first_party": False},
        {"first_party": False, "client_type": Client.CLIENT_CONFIDENTIAL},
        {"authorization_grant_type": Client.GRANT_IMPLICIT},
    ],
)
def test_only_our_own_clients_that_may_refresh_sign_people_in(graphql, account, fields):
    """S60: third parties never see a password."""
    client, secret = make_client(**fields)
    given = {"clientId": client.client_id}
    if client.client_type == Client.CLIENT_CONFIDENTIAL:
        given["clientSecret"] = secret

    payload = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD, **given}).data["tokenAuth"]

    assert codes(payload) == ["INVALID_CLIENT"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("scope", ["admin", "account admin", "openid", "ACCOUNT", "account\0", "\u202eaccount", "*"])
def test_an_unknown_scope_is_refused(graphql, account, scope):
    """S66: nothing is granted in its place."""
    given = {"email": account.email, "password": PASSWORD, "scope": scope}

    payload = graphql(TOKEN_AUTH, input=given).data["tokenAuth"]

    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("INVALID_SCOPE", ["scope"])]
    assert not Session.objects.exists()


@pytest.mark.parametrize("scope", ["", "  ", None, "account", " account account"])
def test_a_blank_scope_is_the_default(graphql, account, scope):
    """And repetitions count once."""
    given = {"email": account.email, "password": PASSWORD, "scope": scope}

    assert graphql(TOKEN_AUTH, input=given).data["tokenAuth"]["tokens"]["scope"] == "account"


@pytest.fixture
def confidential(db):
    """What a server-side front end sends to name itself, right and wrong."""
    client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)
    right = {"clientId": client.client_id, "clientSecret": secret}
    wrong = [
        {"clientId": client.client_id},
        {"clientId": client.client_id, "clientSecret": ""},
        {"clientId": client.client_id, "clientSecret": secret[:-1]},
        {"clientId": client.client_id, "clientSecret": "\0"},
        {"clientId": client.client_id, "clientSecret": client.client_secret},
    ]
    return right, wrong


def test_a_confidential_client_signs_in_only_with_its_secret(graphql, account, confidential):
    """S66: the stored hash is not the secret."""
    right, wrong = confidential
    given = {"email": account.email, "password": PASSWORD}

    for each in wrong:
        assert codes(graphql(TOKEN_AUTH, input={**given, **each}).data["tokenAuth"]) == ["INVALID_CLIENT"]
    assert not Session.objects.exists()

    assert graphql(TOKEN_AUTH, input={**given, **right}).data["tokenAuth"]["errors"] == []


def test_a_confidential_client_refreshes_only_with_its_secret(graphql, sign_in, account, confidential):
    """S66: and a failed try does not harm the session."""
    right, wrong = confidential
    tokens = sign_in(account, **right)

    for each in wrong:
        payload = graphql(REFRESH, input={"refreshToken": tokens.refresh_token, **each}).data["refreshToken"]
        assert codes(payload) == ["INVALID_CLIENT"]
    payload = graphql(REFRESH, input={"refreshToken": tokens.refresh_token}).data["refreshToken"]
    assert payload["tokens"] is None
    assert graphql(ME, token=tokens.access_token).status == 200

    payload = graphql(REFRESH, input={"refreshToken": tokens.refresh_token, **right}).data["refreshToken"]
    assert payload["errors"] == []


def test_a_confidential_client_revokes_only_with_its_secret(graphql, sign_in, account, confidential):
    """S66."""
    right, wrong = confidential
    tokens = sign_in(account, **right)

    for each in wrong:
        payload = graphql(REVOKE, input={"token": tokens.refresh_token, **each}).data["revokeToken"]
        assert codes(payload) == ["INVALID_CLIENT"]
    assert graphql(ME, token=tokens.access_token).status == 200

    payload = graphql(REVOKE, input={"token": tokens.refresh_token, **right}).data["revokeToken"]
    assert payload["errors"] == []
    assert graphql(ME, token=tokens.access_token).status == 401


@pytest.mark.parametrize("given", [{}, {"input": {}}, {"input": None}])
def test_revoking_without_a_token_ends_the_session_of_the_bearer(graphql, sign_in, account, given):
    """Sign out, and another session lives on."""
    one, other = sign_in(account), sign_in(account)

    answer = graphql(REVOKE, token=one.access_token, **given)

    assert answer.data["revokeToken"]["errors"] == []
    assert graphql(ME, token=one.access_token).status == 401
    assert graphql(ME, token=other.access_token).status == 200


def test_signing_out_never_claims_to_have_ended_a_session_that_lives(graphql, sign_in, account, confidential):
    """S66: a confidential client's Bearer without its secret is refused: no success that did nothing."""
    right, _wrong = confidential
    tokens = sign_in(account, **right)

    payload = graphql(REVOKE, token=tokens.access_token).data["revokeToken"]

    ended = graphql(ME, token=tokens.access_token).status == 401
    assert ended or codes(payload) == ["INVALID_CLIENT"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer stale"}])
def test_revoking_nothing_succeeds(graphql, signed_in, headers):
    """RFC 7009 §2.2: unknown and dead tokens are no error, and nobody else is signed out."""
    for given in ({}, {"input": {"token": "unknown"}}, {"input": {"token": ""}}):
        assert graphql(REVOKE, headers=headers, **given).data["revokeToken"]["errors"] == []

    assert graphql(ME, token=signed_in.access_token).status == 200


def test_an_expired_access_token_still_signs_out(graphql, signed_in):
    """RFC 7009: whoever held it may end its session."""
    AccessToken.objects.update(expires=timezone.now() - timedelta(days=1))

    assert graphql(REVOKE, token=signed_in.access_token).data["revokeToken"]["errors"] == []

    assert not Session.objects.exists()


@pytest.mark.parametrize("given", [{}, {"input": {}}, {"input": {"refreshToken": ""}}, {"input": None}])
def test_refreshing_without_a_token_is_an_invalid_grant(graphql, signed_in, given):
    """There is no cookie yet; the Bearer does not count as one."""
    payload = graphql(REFRESH, token=signed_in.access_token, **given).data["refreshToken"]

    assert codes(payload) == ["INVALID_GRANT"]
    assert payload["tokens"] is None

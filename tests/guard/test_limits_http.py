"""What clients see of limits."""

from dataclasses import replace

import pytest

from accounts.conf import rate_limits
from accounts.guard.errors import RateLimited
from accounts.guard.limits import Action, attempt
from accounts.passwords.errors import InvalidCredentials
from accounts.people.models import Account
from accounts.shared.caller import Caller
from tests.api import CHANGE_PASSWORD, CONVERT, ME, PASSWORD, REGISTER
from tests.factories import make_account

SIGN_IN = """
mutation ($input: TokenAuthInput!) {
  tokenAuth(input: $input) { tokens { accessToken } errors { code retryAfter field } }
}
"""
WRONG = "not the password"
HOME = "192.0.2.1"


@pytest.fixture
def strict(settings, in_memory):
    """Two attempts on an account, and one more each minute."""
    limits = rate_limits("sign_in.account=2/2m,sign_in.account_address=off")
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=limits)
    return in_memory


def sign_in(graphql, email, password=WRONG):
    """The answer, and the errors of its payload."""
    answer = graphql(SIGN_IN, input={"email": email, "password": password})
    return answer, answer.data["tokenAuth"]["errors"]


def test_a_refusal_says_how_long_to_wait(graphql, account, strict):
    """S52: in the payload and as a header, with HTTP 200; then it works."""
    for _ in range(2):
        answer, errors = sign_in(graphql, account.email)
        assert [error["code"] for error in errors] == ["INVALID_CREDENTIALS"]
        assert errors[0]["retryAfter"] is None
        assert "Retry-After" not in answer.headers

    answer, errors = sign_in(graphql, account.email, PASSWORD)

    assert answer.status == 200
    assert errors == [{"code": "RATE_LIMITED", "retryAfter": 60, "field": None}]
    assert answer.headers["Retry-After"] == "60"
    assert answer.data["tokenAuth"]["tokens"] is None
    strict.advance(60)
    assert sign_in(graphql, account.email, PASSWORD)[1] == []


def test_known_and_unknown_addresses_are_limited_alike(graphql, account, strict):
    """S1, S53: the answers are the same."""
    outcomes = [[sign_in(graphql, email)[0].body for _ in range(4)] for email in (account.email, "no@example.com")]

    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "attempted",
    [
        (SIGN_IN, {"email": "ada@example.com", "password": "x" * 20_000}),
        (SIGN_IN, {"email": "ada\0@example.com", "password": WRONG}),
        (REGISTER, {"email": "ada@example.com", "username": "", "firstName": "Ada", "password": WRONG}),
    ],
)
def test_who_sends_nonsense_does_not_close_the_service_for_others(graphql, account, settings, in_memory, attempted):
    """S53: the line for all is a brake on hashing, and nothing is hashed here."""
    limits = rate_limits("sign_in.global=2/1h,register.global=2/1h")
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=limits)
    query, fields = attempted
    for _ in range(5):
        (payload,) = graphql(query, input=fields).data.values()
        assert payload["errors"]
        assert all(error["code"] != "RATE_LIMITED" for error in payload["errors"])

    assert sign_in(graphql, account.email, PASSWORD)[1] == []
    fields = {"email": "new@example.com", "username": "new", "firstName": "New", "password": PASSWORD}
    assert graphql(REGISTER, input=fields).data["register"]["errors"] == []


def test_a_storm_of_hashes_is_braked_for_all(graphql, account, settings, in_memory):
    """S92: the line for all counts wrong passwords."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("sign_in.global=2/2m"))
    for number in range(2):
        sign_in(graphql, f"{number}@example.com")

    assert [error["code"] for error in sign_in(graphql, account.email, PASSWORD)[1]] == ["RATE_LIMITED"]


def test_reading_is_never_limited(graphql, signed_in, strict):
    """S56: nor is signing out."""
    for _ in range(5):
        sign_in(graphql, signed_in.account.email)

    for _ in range(200):
        assert graphql(ME, token=signed_in.access_token).data["me"]
    revoke = "mutation { revokeToken { errors { code } } }"
    assert graphql(revoke, token=signed_in.access_token).data["revokeToken"]["errors"] == []


def test_bad_bearer_tokens_are_no_failed_attempts(graphql, account, in_memory):
    """S54: an app with an expired token may ask as often as it likes, and still signs in."""
    for _ in range(100):
        assert graphql(ME, token="expired").status == 401

    assert in_memory.keys() == []
    assert sign_in(graphql, account.email, PASSWORD)[1] == []


def test_a_sign_in_through_a_provider_makes_the_address_known(graphql, providers, settings, in_memory):
    """S53: a flood on its account does not stop the holder at home."""
    settings.TRUSTED_PROXIES = 1
    credential = {"idToken": providers["openid"].id_token()}
    payload = graphql(CONVERT, input={"provider": "corp", "credential": credential}).data["convertSocialToken"]
    assert payload["errors"] == []
    email = payload["account"]["email"]
    for number in range(100):
        caller = Caller(ip_address=f"203.0.113.{number}")
        with pytest.raises(InvalidCredentials), attempt(Action.SIGN_IN, account=email, caller=caller):
            raise InvalidCredentials
    with pytest.raises(RateLimited), attempt(Action.SIGN_IN, account=email, caller=Caller(ip_address="192.0.2.1")):
        pytest.fail("an attempt too many")

    assert [error["code"] for error in sign_in(graphql, email)[1]] == ["INVALID_CREDENTIALS"]


REAUTHENTICATE = "mutation ($input: ReauthenticateInput!) { reauthenticate(input: $input) { errors { code } } }"
NEW = "a passphrase of the holder"
SENSITIVE = [
    (
        CHANGE_PASSWORD,
        {"currentPassword": WRONG, "newPassword": NEW},
        {"currentPassword": PASSWORD, "newPassword": NEW},
    ),
    (REAUTHENTICATE, {"credential": {"password": WRONG}}, {"credential": {"password": PASSWORD}}),
]


@pytest.mark.parametrize(("query", "wrong", "right"), SENSITIVE)
def test_the_thief_of_a_session_does_not_stop_its_holder(
    graphql, client, signed_in, settings, in_memory, query, wrong, right
):
    """S53: an address from which the holder signed in is known in all that a session may do."""
    settings.TRUSTED_PROXIES = 1

    def tried(fields, address):
        client.defaults["REMOTE_ADDR"] = address
        (payload,) = graphql(query, token=signed_in.access_token, input=fields).data.values()
        return [error["code"] for error in payload["errors"]]

    client.defaults["REMOTE_ADDR"] = HOME
    assert sign_in(graphql, signed_in.account.email, PASSWORD)[1] == []
    thief = [tried(wrong, f"203.0.113.{number % 15}") for number in range(120)]
    assert thief[0] == ["INVALID_CREDENTIALS"]
    assert thief[-1] == ["RATE_LIMITED"]
    assert tried(right, "203.0.113.99") == ["RATE_LIMITED"]

    assert tried(right, HOME) == []


def test_an_account_from_elsewhere_is_not_mixed_up_with_another(graphql, account, strict):
    """S52: each account has its own line."""
    other = make_account()
    for _ in range(3):
        sign_in(graphql, account.email)

    assert sign_in(graphql, other.email, PASSWORD)[1] == []
    assert Account.objects.count() == 2

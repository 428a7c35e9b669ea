"""What a provider leaves out is asked for, and the sign-in goes on as it began."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.challenges.models import Challenge
from accounts.people.models import Account
from accounts.tokens.models import Client, Session
from tests.api import ANSWER_PROFILE, CONVERT, ME, codes, refusals
from tests.factories import make_account, make_client
from tests.live import serving
from tests.providers.stored import nothing_changes

TOKEN = ["challengeToken"]
BROWSER = {"Origin": "http://localhost:5173", "Apollo-Require-Preflight": "true", "Host": "localhost"}


@pytest.fixture
def convert(graphql, providers):
    """Present an access token: the payload."""

    def send(access_token: str, provider="google", *, headers=None, **more: Any) -> Any:
        given = {"provider": provider, "credential": {"accessToken": access_token}, **more}
        return graphql(CONVERT, headers=headers, input=given).data["convertSocialToken"]

    return send


@pytest.fixture
def answer(graphql):
    """Answer a challenge: the payload."""

    def send(challenge: dict[str, Any] | str, *, headers=None, **given: Any) -> Any:
        token = challenge if isinstance(challenge, str) else challenge["token"]
        given = {"challengeToken": token, **given}
        return graphql(ANSWER_PROFILE, headers=headers, input=given).data["answerProfileChallenge"]

    return send


@pytest.fixture
def challenge(convert, providers):
    """Of somebody without an address."""
    payload = convert(providers.google_token(email=None))
    assert codes(payload) == ["PROFILE_REQUIRED"]
    return payload["challenge"]


@pytest.mark.parametrize(
    ("person", "missing"),
    [
        ({"email": None}, ["EMAIL"]),
        ({"given_name": None}, ["FIRST_NAME"]),
        ({"email": "no address", "given_name": "://"}, ["EMAIL", "FIRST_NAME"]),
    ],
)
def test_it_says_what_is_missing_and_what_is_known(convert, providers, person, missing):
    """For a form that is filled in."""
    challenge = convert(providers.google_token(**person))["challenge"]

    suggestion = challenge["suggestion"]
    assert challenge["__typename"] == "ProfileChallenge"
    assert challenge["expiresIn"] == 900
    assert challenge["missing"] == missing
    assert (suggestion["email"] is None) == ("EMAIL" in missing)
    assert (suggestion["firstName"] is None) == ("FIRST_NAME" in missing)
    assert suggestion["lastName"] == "Lovelace"
    assert "ada@" not in suggestion["username"]
    assert not Account.objects.exists()


def test_the_answer_finishes_the_sign_in(graphql, challenge, answer, convert, providers):
    """The address was given, not shown: it is not verified. The next sign-in needs no answer."""
    payload = answer(challenge, email="Ada@Example.com")

    assert payload["errors"] == []
    assert payload["isNewAccount"]
    assert graphql(ME, token=payload["tokens"]["accessToken"]).data["me"] == payload["account"]
    account = Account.objects.get()
    assert (account.email, account.email_verified) == ("ada@example.com", False)
    assert convert(providers.google_token(email=None))["account"] == payload["account"]


def test_what_the_provider_told_is_not_overruled(convert, answer, providers):
    """An answer fills gaps: a verified address stays, and stays verified."""
    challenge = convert(providers.google_token(given_name=None))["challenge"]

    payload = answer(challenge, firstName="Augusta", lastName="X", email="victim@example.com", username="augusta")

    assert payload["errors"] == []
    account = Account.objects.get()
    assert (account.email, account.email_verified) == ("ada@example.com", True)
    assert (account.first_name, account.last_name, account.username) == ("Augusta", "Lovelace", "augusta")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({}, ("REQUIRED", ["email"])),
        ({"email": ""}, ("REQUIRED", ["email"])),
        ({"email": "no address"}, ("INVALID_INPUT", ["email"])),
        ({"email": f"{'a' * 300}@example.com"}, ("TOO_LONG", ["email"])),
        ({"email": "taken@example.com"}, ("EMAIL_TAKEN", ["email"])),
        ({"email": "new@example.com", "username": "taken"}, ("USERNAME_TAKEN", ["username"])),
        ({"email": "new@example.com", "username": "a b"}, ("INVALID_INPUT", ["username"])),
    ],
)
def test_a_wrong_answer_can_be_corrected(challenge, answer, given, refusal):
    """Nothing is made, and the challenge waits."""
    make_account(email="taken@example.com", username="taken")

    assert refusal in refusals(answer(challenge, **given))
    assert Account.objects.count() == 1

    assert answer(challenge, email="new@example.com", username="newcomer")["errors"] == []


def test_an_address_of_an_account_is_not_joined(challenge, answer):
    """S33: whoever types it has shown nothing."""
    make_account(email="taken@example.com", email_verified=True)

    payload = answer(challenge, email="taken@example.com")

    assert (codes(payload), payload["challenge"]) == (["EMAIL_TAKEN"], None)
    assert not UserSocialAuth.objects.exists()


def test_an_address_that_was_verified_in_the_meantime_asks_for_a_link(convert, answer, providers):
    """The provider's word is as good as before."""
    challenge = convert(providers.google_token(given_name=None))["challenge"]
    make_account(email="ada@example.com", email_verified=True)

    payload = answer(challenge, firstName="Ada")

    assert codes(payload) == ["LINK_REQUIRED"]
    assert payload["challenge"]["__typename"] == "LinkChallenge"
    assert not UserSocialAuth.objects.exists()


# Replayed, swapped, expired, forged


def test_it_is_answered_once(challenge, answer):
    """S63."""
    answer(challenge, email="ada@example.com")

    with nothing_changes():
        assert refusals(answer(challenge, email="ada@example.com")) == [("INVALID_CHALLENGE", TOKEN)]


@pytest.mark.parametrize("forged", ["", "x", "é", "\x7f", "x" * 10_000])
def test_a_forged_one_is_refused(challenge, answer, forged):
    """S63."""
    with nothing_changes():
        assert refusals(answer(forged, email="ada@example.com")) == [("INVALID_CHALLENGE", TOKEN)]


def test_it_expires(challenge, answer):
    """S63; and is cleared away."""
    Challenge.objects.update(expires_at=timezone.now())

    with nothing_changes():
        assert refusals(answer(challenge, email="ada@example.com")) == [("INVALID_CHALLENGE", TOKEN)]
    call_command("clear_expired", verbosity=0)
    assert not Challenge.objects.exists()


def test_it_can_be_tried_some_times(challenge, answer, settings):
    """S63."""
    for _ in range(settings.LATCHKEY.challenge_attempts):
        answer(challenge, email="no address")

    assert refusals(answer(challenge, email="ada@example.com")) == [("INVALID_CHALLENGE", TOKEN)]
    assert not Account.objects.exists()


def test_a_link_challenge_is_not_answered_with_a_profile(convert, answer, providers):
    """One kind is not the other."""
    make_account(email="ada@example.com", email_verified=True)
    challenge = convert(providers.google_token())["challenge"]

    assert refusals(answer(challenge, firstName="Ada")) == [("INVALID_CHALLENGE", TOKEN)]
    assert not UserSocialAuth.objects.exists()


def test_it_goes_on_for_the_client_of_the_first_call(convert, answer, providers):
    """S63: whoever sends the answer, the tokens are that client's."""
    client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)
    token = providers.google_token(email=None)
    challenge = convert(token, clientId=client.client_id, clientSecret=secret)["challenge"]

    answer(challenge, email="ada@example.com", headers={"End-User-IP": "203.0.113.9"})

    session = Session.objects.get()
    assert (session.client, session.ip_address) == (client, "127.0.0.1")


def test_nobody_is_stated_without_the_secret(convert, answer, providers):
    """S64: the answer is not authenticated as the client's."""
    client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL, states_end_user=True)
    token = providers.google_token(email=None)
    challenge = convert(token, clientId=client.client_id, clientSecret=secret)["challenge"]

    answer(challenge, email="ada@example.com", headers={"End-User-IP": "203.0.113.9"})

    assert Session.objects.get().ip_address == "127.0.0.1"


def test_who_is_not_on_the_list_any_more_gets_nothing(challenge, answer, settings):
    """social-core's list of domains, changed in the meantime."""
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_WHITELISTED_DOMAINS = ["example.org"]

    assert refusals(answer(challenge, email="ada@example.com")) == [("INVALID_CHALLENGE", TOKEN)]
    assert not Account.objects.exists()


@pytest.mark.parametrize("told", [{"given_name": "A\0da"}, {"given_name": "A\ud800"}, {"family_name": "\0\udfff"}])
def test_what_no_database_takes_does_not_reach_a_challenge(convert, answer, providers, told):
    """NUL and half a surrogate pair, which PostgreSQL refuses in JSON."""
    challenge = convert(providers.google_token(email=None, **told))["challenge"]

    assert answer(challenge, email="ada@example.com")["errors"] == []


@pytest.mark.parametrize("change", [{"first_party": False}, {"authorization_grant_type": "implicit"}])
def test_a_client_that_may_no_longer_sign_in_gets_nothing(challenge, answer, change):
    """Demoted in the meantime."""
    Client.objects.update(**change)

    assert refusals(answer(challenge, email="ada@example.com")) == [("INVALID_CHALLENGE", TOKEN)]
    assert not Account.objects.exists()


def test_a_provider_that_was_switched_off_signs_nobody_in(challenge, answer, settings):
    """In the meantime."""
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=())

    assert refusals(answer(challenge, email="ada@example.com")) == [("INVALID_CHALLENGE", TOKEN)]
    assert not Account.objects.exists()


def test_the_refresh_token_travels_as_asked_in_the_first_call(client, convert, answer, providers):
    """S63: in the cookie, and only where that is allowed."""
    token = providers.google_token(email=None)
    challenge = convert(token, headers=BROWSER, refreshTokenTransport="COOKIE")["challenge"]

    assert codes(answer(challenge, email="ada@example.com")) == ["TRANSPORT_NOT_ALLOWED"]
    assert not Account.objects.exists()
    tokens = answer(challenge, email="ada@example.com", headers=BROWSER)["tokens"]

    assert tokens["refreshToken"] is None
    assert client.cookies["refresh_token"].value


def test_a_disabled_account_is_not_signed_in(challenge, answer, convert, providers):
    """S34: finished in another tab, and disabled."""
    another = convert(providers.google_token(email=None))["challenge"]
    answer(another, email="ada@example.com")
    Account.objects.update(is_active=False)

    assert codes(answer(challenge, email="ada@example.com")) == ["ACCOUNT_DISABLED"]


def test_two_tabs_finish_as_one_account(challenge, answer, convert, providers):
    """The second answer finds the identity known."""
    another = convert(providers.google_token(email=None))["challenge"]
    first = answer(challenge, email="ada@example.com")

    second = answer(another, email="other@example.com")

    assert second["errors"] == []
    assert (second["account"], second["isNewAccount"]) == (first["account"], False)
    assert Account.objects.count() == 1


def test_answers_at_once_are_one_account(providers, tmp_path):
    """S63: single use, against a real server."""
    with serving(tmp_path, WORKERS="2", THREADS="4", **providers.environment) as live:
        for person in range(3):
            credential = {"accessToken": providers.google_token(sub=str(person), email=None)}
            _status, body = live.post(CONVERT, input={"provider": "google", "credential": credential})
            token = body["data"]["convertSocialToken"]["challenge"]["token"]
            together = threading.Barrier(6, timeout=30)

            def send(
                number: int, token: str = token, together: threading.Barrier = together, person: int = person
            ) -> Any:
                together.wait()
                given = {"challengeToken": token, "email": f"p{person}-{number}@example.com"}
                status, body = live.post(ANSWER_PROFILE, input=given)
                assert status == 200
                return codes(body["data"]["answerProfileChallenge"])

            with ThreadPoolExecutor(6) as pool:
                outcomes = list(pool.map(send, range(6)))
            assert sorted(outcomes) == [[], *[["INVALID_CHALLENGE"]] * 5]


# Hints of the first call


def test_hints_fill_the_names(convert, providers):
    """Apple tells the name to the device alone."""
    payload = convert(providers.google_token(given_name=None, family_name=None), firstName="Ada", lastName="King")

    assert payload["errors"] == []
    assert Account.objects.values_list("first_name", "last_name").get() == ("Ada", "King")


def test_hints_do_not_overrule_the_provider(convert, providers):
    """They are what a device says."""
    convert(providers.google_token(), firstName="Eve", lastName="Mallory")

    assert Account.objects.values_list("first_name", "last_name").get() == ("Ada", "Lovelace")


def test_hints_change_no_account(convert, providers):
    """Used for a new one only."""
    convert(providers.google_token(family_name=None))
    convert(providers.google_token(family_name=None), firstName="Eve", lastName="Mallory")

    assert Account.objects.values_list("first_name", "last_name").get() == ("Ada", "")


@pytest.mark.parametrize("hint", ["://\u202e", "\0", "x" * 1000])
def test_strange_hints_are_cleaned(convert, providers, hint):
    """S62: as names of providers are."""
    payload = convert(providers.google_token(), lastName=hint)

    assert payload["errors"] == []

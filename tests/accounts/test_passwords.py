"""The password policy, and how passwords are stored."""

import dataclasses

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.conf import Latchkey
from accounts.models import Account, Session
from tests.api import PASSWORD, REGISTER, TOKEN_AUTH, codes
from tests.factories import make_account

ADA = {"email": "ada@example.com", "username": "ada", "firstName": "Augusta", "lastName": "Lovelace"}


@pytest.fixture
def register(graphql):
    """The payload of registering Ada with a password."""
    return lambda password, **more: graphql(REGISTER, input={**ADA, "password": password, **more}).data["register"]


@pytest.fixture
def policy(settings):
    """Change the settings for one test: `policy(password_min_length=8)`."""

    def change(**values):
        settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, **values)

    return change


def refused(payload) -> list[str]:
    """The codes at the password; nobody was created, and there are no tokens."""
    assert payload["tokens"] is None
    assert payload["account"] is None
    assert not Account.objects.exists()
    assert not Session.objects.exists()
    assert {tuple(error["field"]) for error in payload["errors"]} == {("password",)}
    return codes(payload)


@pytest.mark.parametrize("password", ["x7#Kq!", "m4Zr!q9Wp@L", "żółć-jaźń!4"])
def test_under_twelve_characters_is_too_short(register, password):
    """S5: characters, not bytes."""
    assert refused(register(password)) == ["PASSWORD_TOO_SHORT"]


@pytest.mark.parametrize(
    "password",
    [
        "m4Zr!q9Wp@Lx",
        "plumtreewindow",
        "żółć gęślą jaźń",
        "🦊🐙🌵🚲🥝🧭🎻🪁🧊🛶🥨🪐",
        "  spaces at both ends  ",
        "no digit and no capital",
        "8302591746028395",
        "correct horse battery staple " * 10,
        "\u202ewhatever-you-like\x07",
    ],
)
def test_any_characters_are_accepted_and_no_composition_is_asked_for(register, graphql, password):
    """S5: and exactly that password opens the account."""
    assert register(password)["errors"] == []

    assert Account.objects.get().check_password(password)
    for other in (password.strip() + "x", password[:-1], password.swapcase() + "1"):
        answer = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": other}).data["tokenAuth"]
        assert codes(answer) == ["INVALID_CREDENTIALS"]


@pytest.mark.parametrize("character", ["x", "é", "🦊"])
def test_a_password_may_have_1024_bytes_and_no_more(register, character):
    """S5: the hard cap is of bytes, as it bounds the work."""
    piece = f"m4Zr!q9Wp@L{character} "
    longest = (piece * 1024).encode()[:1024].decode(errors="ignore")

    assert refused(register(longest + "wxyz")) == ["PASSWORD_TOO_LONG"]
    assert register(longest)["errors"] == []


def test_a_long_password_is_not_truncated(register, graphql):
    """S5: the last character counts."""
    password = "plumtree window " * 63
    register(password + "a")

    wrong = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": password + "b"}).data["tokenAuth"]
    right = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": password + "a"}).data["tokenAuth"]

    assert codes(wrong) == ["INVALID_CREDENTIALS"]
    assert right["errors"] == []


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword", "Password12345!", "qwerty123456", "welcome-2026!!", "Latchkey-2026!",
        "iloveyou12345",
        "123456789012", "098765432109", "abcdefghijklmnop", "aaaaaaaaaaaaaaaa", "abababababababab",
        "ＰＡＳＳＷＯＲＤ12345",
        "professional", "            ", "1qaz2wsx3edc", "JustinBieber",
    ],
)  # fmt: skip
def test_what_is_tried_first_is_too_common(register, password):
    """S6: common ones that meet the length, runs, repetitions, and context words with digits."""
    assert "PASSWORD_TOO_COMMON" in refused(register(password))


@pytest.mark.parametrize(
    "password",
    ["ada@example.com", "augusta-lovelace", "Lovelace2026", "ADA@EXAMPLE.COM1", "lovelaceaugusta"],
)
def test_the_persons_own_data_is_too_similar(register, password):
    """S6: names and address."""
    assert "PASSWORD_TOO_SIMILAR" in refused(register(password))


def test_a_password_that_contains_the_username_is_too_similar(register):
    """S6: the user's attributes, the username among them."""
    payload = register("countess-lovelace-1", username="countess-lovelace")

    assert "PASSWORD_TOO_SIMILAR" in refused(payload)


def test_all_failures_of_a_password_are_told_at_once(register):
    """Nobody has to try three times."""
    assert set(refused(register("ada"))) >= {"PASSWORD_TOO_SHORT", "PASSWORD_TOO_COMMON"}


def test_the_minimum_can_be_set(register, policy):
    """S5: configurable."""
    policy(password_min_length=20)
    assert refused(register("m4Zr!q9Wp@Lx-ab")) == ["PASSWORD_TOO_SHORT"]

    policy(password_min_length=8)
    assert register("m4Zr!q9W")["errors"] == []


def test_the_password_is_judged_when_another_field_fails(graphql, db):
    """All field errors at once."""
    answer = graphql(REGISTER, input={**ADA, "email": "nobody", "password": "short"})

    found = {(error["field"][0], error["code"]) for error in answer.data["register"]["errors"]}
    assert found >= {("email", "INVALID_INPUT"), ("password", "PASSWORD_TOO_SHORT")}
    assert not Account.objects.exists()


def test_a_hash_has_the_configured_cost(policy, db):
    """S7: Argon2id, with the parameters of the settings."""
    policy(argon2_time_cost=3, argon2_memory_cost=64, argon2_parallelism=2)

    stored = make_account().password

    assert stored.startswith("argon2$argon2id$v=19$m=64,t=3,p=2$")


def test_the_default_cost_is_owasps():
    """S7: m = 19 MiB, t = 2, p = 1."""
    defaults = Latchkey()

    assert defaults.argon2_memory_cost == 19 * 1024
    assert (defaults.argon2_time_cost, defaults.argon2_parallelism) == (2, 1)


@pytest.mark.parametrize("cost", ["argon2_time_cost", "argon2_memory_cost", "argon2_parallelism"])
def test_signing_in_renews_a_hash_of_another_cost(graphql, policy, settings, cost):
    """S7: and the password still opens the account."""
    account = make_account()
    before = account.password
    policy(**{"argon2_memory_cost": 16, cost: getattr(settings.LATCHKEY, cost) + 1})

    for _ in range(2):
        answer = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD})
        assert answer.data["tokenAuth"]["errors"] == []

    account.refresh_from_db()
    assert account.password != before
    assert not identify_hasher(account.password).must_update(account.password)


def test_a_wrong_password_renews_nothing(graphql, policy):
    """S7: only who knows it is rehashed."""
    account = make_account()
    before = account.password
    policy(argon2_time_cost=4)

    graphql(TOKEN_AUTH, input={"email": account.email, "password": "not the password"})

    account.refresh_from_db()
    assert account.password == before


def test_an_unchanged_cost_writes_no_password(graphql):
    """S7: no UPDATE of the hash at each sign-in."""
    account = make_account()

    with CaptureQueriesContext(connection) as statements:
        graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD})

    assert not [s for s in statements if 'SET "password"' in s["sql"]]


def test_two_people_with_one_password_have_different_hashes(db):
    """Salted."""
    assert make_account().password != make_account().password

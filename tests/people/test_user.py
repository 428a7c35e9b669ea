"""`user(username:)`: one public profile by its name."""

import dataclasses

import pytest

from accounts.conf import EmailVerification, Visibility
from tests.api import PASSWORD, REGISTER
from tests.factories import make_account
from tests.schema.test_statements import statements

USER = "query ($username: String!) { user(username: $username) { id username firstName lastName dateJoined } }"


@pytest.mark.parametrize("typed", ["Ada.L", "ada.l", "ADA.L", "\uff21da.l"])
def test_a_profile_is_found_in_any_case(graphql, db, typed):
    """By the key, as registration compares usernames (S84)."""
    make_account(username="Ada.L", first_name="Ada")
    listed = graphql("{ users { nodes { id username firstName lastName dateJoined } } }").data["users"]["nodes"]

    assert graphql(USER, username=typed).data["user"] == listed[0]


@pytest.mark.parametrize(
    "typed", ["ad", "ada ", "ad%", "ada@example.com", "", " ", "\0", "ad\0a", "a" * 151, "\ufdfa" * 150]
)
def test_a_name_that_nobody_has_is_null(graphql, db, typed):
    """Never an error, never a 5xx."""
    make_account(username="ada", email="ada@example.com")

    answer = graphql(USER, username=typed)

    assert (answer.status, answer.codes, answer.data) == (200, [], {"user": None})


@pytest.mark.parametrize("typed", ["\0", "a" * 151, "a" * 20_000])
def test_a_name_that_nobody_can_have_asks_nothing(graphql, db, typed):
    """S80: nor is it normalized."""
    with statements() as sent:
        assert graphql(USER, username=typed).data == {"user": None}

    assert sent == []


def test_a_disabled_account_is_null(graphql, db):
    """As in `users`."""
    make_account(username="ada", is_active=False)

    assert graphql(USER, username="ada").data == {"user": None}


def test_a_pending_registration_is_null(graphql, db, settings):
    """S61: with mandatory verification, nobody learns which names and addresses wait for their confirmation."""
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, email_verification=EmailVerification.MANDATORY)
    given = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
    assert [error["code"] for error in graphql(REGISTER, input=given).data["register"]["errors"]] == [
        "EMAIL_VERIFICATION_REQUIRED"
    ]

    assert graphql(USER, username="ada").data == {"user": None}


@pytest.mark.parametrize(
    ("level", "who", "is_shown"),
    [
        (Visibility.PUBLIC, "nobody", True), (Visibility.AUTHENTICATED, "nobody", False),
        (Visibility.AUTHENTICATED, "somebody", True), (Visibility.STAFF, "nobody", False),
        (Visibility.STAFF, "somebody", False), (Visibility.STAFF, "staff", True),
    ],
)  # fmt: skip
def test_the_rule_of_users_decides_who_sees_it(graphql, sign_in, settings, level, who, is_shown):
    """S48, S65: null for others, as for an unknown name."""
    make_account(username="ada")
    token = None if who == "nobody" else sign_in(make_account(is_staff=who == "staff")).access_token
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, users_visibility=level)

    answer = graphql(USER, token=token, username="ada")

    assert answer.codes == []
    assert bool(answer.data["user"]) is is_shown


def test_names_can_be_private(graphql, db, settings):
    """As in `users`."""
    make_account(username="ada", first_name="Ada")
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, public_names=False)

    user = graphql(USER, username="ada").data["user"]

    assert (user["username"], user["firstName"], user["lastName"]) == ("ada", None, None)


def test_it_is_one_statement(graphql, db):
    """Compiled once; found by the unique index."""
    make_account(username="ada")
    graphql(USER, username="ada")

    with statements() as sent:
        assert graphql(USER, username="ada").data["user"]

    assert len(sent) == 1

"""The lines of docs/guard.md about signing in by mail."""

from accounts.mails.models import Purpose
from tests.factories import make_account
from tests.guard.journeys import WRONG, Call, World, journey
from tests.login_codes.asking import by_code, mailed, requested
from tests.mails import link_token


@journey("requestLoginCode")
def request_login_code(_world: World) -> Call:
    """For an account."""
    return Call({"email": make_account().email})


@journey("requestLoginCode", "address unknown")
def request_login_code_for_nobody(_world: World) -> Call:
    """For an address that has none."""
    return Call({"email": "unknown@example.com"})


@journey("requestLoginCode", "refused for the form of the input")
def request_login_code_without_address(_world: World) -> Call:
    """Nobody could get that mail."""
    return Call({"email": "this-is-no-address"})


@journey("requestLoginCode", "refused")
def request_login_codes(world: World) -> Call:
    """Too many."""
    email = make_account().email
    for _ in range(10):
        requested(world.graphql, email)
    return Call({"email": email})


@journey("tokenAuthWithCode")
def token_auth_with_code(world: World) -> Call:
    """With the code."""
    return Call({"credential": mailed(world.graphql, make_account(email_verified=True).email)})


@journey("tokenAuthWithCode", "account handed over")
def token_auth_with_link(world: World) -> Call:
    """To an account whose address nobody had proved."""
    email = make_account().email
    requested(world.graphql, email)
    return Call({"credential": {"linkToken": link_token(email, Purpose.SIGN_IN)}})


@journey("tokenAuthWithCode", "refused")
def token_auth_with_another_code(world: World) -> Call:
    """With another."""
    return Call({"credential": by_code(requested(world.graphql, make_account().email), WRONG)})

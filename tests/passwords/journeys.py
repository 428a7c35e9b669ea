"""The journeys of this room, for the table of events in docs/guard.md."""

from accounts.mails import codes
from accounts.mails.models import Purpose
from accounts.people.models import Account
from tests.factories import make_account
from tests.guard.journeys import NEW, Call, World, journey
from tests.passwords.mailed import by_code, by_link, request_reset


@journey("requestPasswordReset")
def request_password_reset(_world: World) -> Call:
    """For an account."""
    return Call({"email": make_account().email})


@journey("requestPasswordReset", "unknown address")
def request_password_reset_for_nobody(_world: World) -> Call:
    """The same."""
    return Call({"email": "nobody@example.com"})


@journey("requestPasswordReset", "refused for the form of the input, or its client")
def request_password_reset_for_no_address(_world: World) -> Call:
    """It is none."""
    return Call({"email": "this-is-no-address"})


@journey("requestPasswordReset", "refused")
def request_password_reset_too_often(world: World) -> Call:
    """Over the limit."""
    email = make_account().email
    for _ in range(10):
        request_reset(world.graphql, email)
    return Call({"email": email})


@journey("resetPassword")
def reset_password(world: World) -> Call:
    """Of an account whose address is verified."""
    account = make_account(email_verified=True)
    return Call({"credential": by_link(world.graphql, account.email), "newPassword": NEW})


@journey("resetPassword", "account handed over")
def reset_password_of_a_squatter(world: World) -> Call:
    """Of one whose address nobody had verified."""
    return Call({"credential": by_code(world.graphql, make_account().email), "newPassword": NEW})


@journey("resetPassword", "refused")
def reset_password_by_a_made_up_link(_world: World) -> Call:
    """No mail had it."""
    return Call({"credential": {"linkToken": "made-up-token-of-nobody"}, "newPassword": NEW})


@journey("resetPassword", "refused for the new password")
def reset_password_to_a_weak_one(world: World) -> Call:
    """It is too short."""
    return Call({"credential": by_link(world.graphql, make_account().email), "newPassword": "weak"})


def secure_link(account: Account) -> str:
    """The token in a notice."""
    code = codes.create(Purpose.SECURE, email=account.email, account=account, lifetime=600)
    return codes.link_token(code)


@journey("secureAccount")
def secure_account(_world: World) -> Call:
    """With the link of a notice."""
    return Call({"token": secure_link(make_account(email_verified=True))})


@journey("secureAccount", "refused")
def secure_account_by_a_made_up_link(_world: World) -> Call:
    """No mail had it."""
    return Call({"token": "made-up-token-of-nobody"})

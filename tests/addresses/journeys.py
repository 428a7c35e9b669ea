"""The journeys of this room: see tests/guard/journeys.py."""

from accounts.mails import codes
from accounts.mails.models import MailedCode, Purpose
from accounts.people.models import Account
from tests.api import GraphQL
from tests.guard.journeys import Call, World, journey, without_proof
from tests.mails import link_token

REQUEST = "mutation ($input: RequestEmailChangeInput!) { requestEmailChange(input: $input) { errors { code } } }"
NEW = "new-one@example.com"


def ask(graphql: GraphQL, token: str) -> None:
    """Ask for another address."""
    assert graphql(REQUEST, token=token, input={"newEmail": NEW}).data["requestEmailChange"]["errors"] == []


@journey("requestEmailChange")
def request_email_change(world: World) -> Call:
    """To a free one."""
    return Call({"newEmail": NEW}, world.me.access_token)


@journey("requestEmailChange", "refused")
def request_email_change_without_proof(world: World) -> Call:
    """Long after signing in."""
    return Call({"newEmail": NEW}, without_proof(world))


@journey("confirmEmailChange")
def confirm_email_change(world: World) -> Call:
    """With the mailed link."""
    ask(world.graphql, world.me.access_token)
    return Call({"token": link_token(NEW, Purpose.CHANGE_EMAIL)}, world.me.access_token)


@journey("confirmEmailChange", "refused")
def confirm_email_change_wrongly(world: World) -> Call:
    """With a code that nobody was mailed."""
    ask(world.graphql, world.me.access_token)
    return Call({"code": "a-code-of-nobody"}, world.me.access_token)


@journey("cancelEmailChange")
def cancel_email_change(world: World) -> Call:
    """One is pending."""
    ask(world.graphql, world.me.access_token)
    return Call(None, world.me.access_token)


@journey("cancelEmailChange", "none pending")
def cancel_no_email_change(world: World) -> Call:
    """None is."""
    return Call(None, world.me.access_token)


def way_back(world: World) -> MailedCode:
    """What was mailed to the former address of mine."""
    account = world.me.account
    code = codes.create(Purpose.UNDO_EMAIL_CHANGE, email="former@example.com", lifetime=600, account=account)
    Account.objects.filter(pk=account.pk).update(email_verified=True)
    return code


@journey("undoEmailChange")
def undo_email_change(world: World) -> Call:
    """With the mailed link."""
    return Call({"token": codes.link_token(way_back(world))})


@journey("undoEmailChange", "refused")
def undo_email_change_wrongly(world: World) -> Call:
    """With a made-up one."""
    way_back(world)
    return Call({"token": "a-token-of-nobody"})

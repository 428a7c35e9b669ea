"""The lines of docs/guard.md about confirming one's identity by mail."""

from accounts.mails.models import Purpose
from tests.guard.journeys import Call, World, journey
from tests.mails import typed_code
from tests.reauthentication.test_mailed_code import REQUEST


def requested(world: World) -> str:
    """Ask for a mail to my address: the token of its code."""
    payload = world.graphql(REQUEST, token=world.me.access_token).data["requestReauthenticationCode"]
    return str(payload["mailedCode"]["token"])


@journey("requestReauthenticationCode")
def request_reauthentication_code(world: World) -> Call:
    """To my address."""
    return Call(None, world.me.access_token)


@journey("requestReauthenticationCode", "refused")
def request_reauthentication_codes(world: World) -> Call:
    """Too many."""
    for _ in range(10):
        requested(world)
    return Call(None, world.me.access_token)


@journey("reauthenticate", "success, by mail, with an unverified address")
def reauthenticate_by_mail(world: World) -> Call:
    """The first mail that I read."""
    token = requested(world)
    code = typed_code(world.me.account.email, Purpose.REAUTHENTICATE)
    return Call({"credential": {"emailCode": {"challengeToken": token, "code": code}}}, world.me.access_token)

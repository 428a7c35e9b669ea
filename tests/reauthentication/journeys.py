"""The lines of docs/guard.md about confirming one's identity by mail, and by second factors."""

from accounts.mails.models import Purpose
from accounts.tokens.models import Session
from tests.api import PASSWORD
from tests.guard.journeys import Call, World, journey
from tests.mails import typed_code
from tests.mfa.calls import signed_in_with_app
from tests.mfa.enrolled import with_codes
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


@journey("reauthenticate", "success, with a recovery code")
def reauthenticate_with_recovery_code(world: World) -> Call:
    """After a sign-in with the password and the app."""
    me, _secret = signed_in_with_app(world.graphql)
    world.become(me)
    code, *_others = with_codes(me.account)
    return Call({"credential": {"recoveryCode": code}}, world.me.access_token)


@journey("reauthenticate", "one more proof needed")
def reauthenticate_with_half_a_proof(world: World) -> Call:
    """With the password alone."""
    me, _secret = signed_in_with_app(world.graphql)
    world.become(me)
    Session.objects.update(factor_proved_at=None)
    return Call({"credential": {"password": PASSWORD}}, world.me.access_token)


@journey("reauthenticate", "success, by mail, with an unverified address")
def reauthenticate_by_mail(world: World) -> Call:
    """The first mail that I read."""
    token = requested(world)
    code = typed_code(world.me.account.email, Purpose.REAUTHENTICATE)
    return Call({"credential": {"emailCode": {"challengeToken": token, "code": code}}}, world.me.access_token)

"""The lines of docs/guard.md about passkeys."""

from dataclasses import replace

from accounts.conf import EmailVerification, MfaRequired
from accounts.people.models import Account
from tests.authenticator import ORIGIN, Authenticator
from tests.factories import make_account
from tests.guard.journeys import Call, World, journey, without_proof
from tests.passkeys.calls import added, answer, asked, begun, creation

EVIL = "https://evil.example"


def verified(world: World) -> str:
    """My access token; my address is verified."""
    Account._base_manager.filter(pk=world.me.account.pk).update(email_verified=True)
    return world.me.access_token


def id_of(world: World) -> str:
    """The id of a passkey of mine."""
    return str(added(world.graphql, verified(world), Authenticator())["passkey"]["id"])


@journey("createPasskeyRegistration")
def create_passkey_registration(world: World) -> Call:
    """Right after signing in."""
    return Call({}, verified(world))


@journey("createPasskeyRegistration", "refused")
def create_passkey_registration_without_proof(world: World) -> Call:
    """Long after signing in."""
    return Call({}, without_proof(world))


@journey("addPasskey")
def add_passkey(world: World) -> Call:
    """Where none is required."""
    token = verified(world)
    return Call(creation(begun(world.graphql, token), Authenticator()), token)


@journey("addPasskey", "success, the first factor where one is required")
def add_the_first_factor(world: World) -> Call:
    """Recovery codes come with it."""
    token = verified(world)
    world.settings.LATCHKEY = replace(
        world.settings.LATCHKEY, mfa_required_for=MfaRequired.ALL, email_verification=EmailVerification.MANDATORY
    )
    return Call(creation(begun(world.graphql, token), Authenticator()), token)


@journey("addPasskey", "refused")
def add_passkey_elsewhere(world: World) -> Call:
    """At a page of somebody else."""
    token = verified(world)
    return Call(creation(begun(world.graphql, token), Authenticator(origin=EVIL)), token)


@journey("renamePasskey")
def rename_passkey(world: World) -> Call:
    """Mine."""
    return Call({"id": id_of(world), "name": "My new phone"}, world.me.access_token)


@journey("renamePasskey", "refused")
def rename_nothing(world: World) -> Call:
    """Nothing has that id."""
    return Call({"id": "made-up-id-of-nothing", "name": "My new phone"}, world.me.access_token)


@journey("removePasskey")
def remove_passkey(world: World) -> Call:
    """There is a password, too."""
    return Call({"id": id_of(world)}, world.me.access_token)


@journey("removePasskey", "refused")
def remove_nothing(world: World) -> Call:
    """Nothing has that id."""
    return Call({"id": "made-up-id-of-nothing"}, world.me.access_token)


@journey("createPasskeyAssertion")
def create_passkey_assertion(_world: World) -> Call:
    """To sign in."""
    return Call({})


@journey("createPasskeyAssertion", "refused")
def create_passkey_assertion_for_nothing(_world: World) -> Call:
    """For a challenge that is none."""
    return Call({"purpose": "SECOND_FACTOR", "challengeToken": "made-up-token-of-nothing"})


def shown(world: World, *, origin: str = ORIGIN) -> Call:
    """What a passkey of somebody else answers."""
    authenticator = Authenticator()
    token = world.sign_in(make_account(email_verified=True)).access_token
    added(world.graphql, token, authenticator)
    return Call({"passkey": answer(asked(world.graphql), authenticator.with_(origin=origin))})


@journey("tokenAuthWithPasskey")
def token_auth_with_passkey(world: World) -> Call:
    """At a page of ours."""
    return shown(world)


@journey("tokenAuthWithPasskey", "refused")
def token_auth_with_passkey_elsewhere(world: World) -> Call:
    """At a page of somebody else."""
    return shown(world, origin=EVIL)

"""One call for each line of the table in docs/guard.md that is about this room."""

from typing import Any

from social_django.models import UserSocialAuth

from accounts.mails.models import Purpose
from tests.factories import make_account
from tests.guard.journeys import NEW, REGISTRATION, Call, World, converting, journey
from tests.mails import link_token, typed_code
from tests.verification import calls
from tests.verification.calls import ADDRESS


def waiting(world: World) -> str:
    """The challenge of a registration."""
    calls.require_confirmation(world.settings)
    payload: Any = world.graphql(calls.REGISTER, input=REGISTRATION).data["register"]
    return str(payload["challenge"]["token"])


@journey("register", "the address has to be confirmed")
def register(world: World) -> Call:
    """It waits."""
    calls.require_confirmation(world.settings)
    return Call(REGISTRATION)


@journey("register", "closed")
def register_nobody(world: World) -> Call:
    """Nobody can."""
    calls.with_settings(world.settings, registration_open=False)
    return Call(REGISTRATION)


def mailed(world: World) -> str:
    """My address, to which a code was mailed."""
    email = world.me.account.email
    world.graphql(calls.RESEND, input={"email": email})
    return email


@journey("verifyEmail", "confirmed")
def verify_email(world: World) -> Call:
    """By the typed code."""
    return Call({"code": typed_code(mailed(world), Purpose.VERIFY)}, world.me.access_token)


@journey("verifyEmail", "account handed over")
def verify_email_of_an_account(world: World) -> Call:
    """By the link alone."""
    return Call({"link": {"token": link_token(mailed(world), Purpose.VERIFY), "newPassword": NEW}})


@journey("verifyEmail", "registration completed")
def verify_email_of_a_registration(world: World) -> Call:
    """By the link, in the browser that has the challenge."""
    challenge = waiting(world)
    return Call({"link": {"token": link_token(ADDRESS, Purpose.VERIFY), "challengeToken": challenge}})


@journey("verifyEmail", "refused for the new password")
def verify_email_without_a_password(world: World) -> Call:
    """By the link alone, too early."""
    return Call({"link": {"token": link_token(mailed(world), Purpose.VERIFY)}})


@journey("verifyEmail", "refused")
def verify_email_wrongly(world: World) -> Call:
    """By another code."""
    mailed(world)
    return Call({"code": "a-made-up-code"}, world.me.access_token)


@journey("resendVerification")
def resend_verification(_world: World) -> Call:
    """To whomever."""
    return Call({"email": "nobody-at-all@example.com"})


@journey("resendVerification", "refused")
def resend_verification_too_often(world: World) -> Call:
    """Once more."""
    calls.limit(world.settings, "mail.account=1/1h")
    return Call({"email": mailed(world)})


@journey("answerEmailVerificationChallenge", "signed up")
def answer_email_verification_challenge(world: World) -> Call:
    """By the mailed code."""
    return Call({"challengeToken": waiting(world), "code": typed_code(ADDRESS, Purpose.VERIFY)})


@journey("answerEmailVerificationChallenge", "signed in")
def answer_email_verification_challenge_of_an_account(world: World) -> Call:
    """It has an identity, and has never confirmed its address."""
    calls.require_confirmation(world.settings)
    UserSocialAuth.objects.create(user=make_account(email=ADDRESS), provider="google-oauth2", uid="ada", id_key="sub")
    given = converting(world.providers.google_token(sub="ada", email_verified=False)).input
    payload: Any = world.graphql(calls.CONVERT, input=given).data["convertSocialToken"]
    return Call({"challengeToken": payload["challenge"]["token"], "code": typed_code(ADDRESS, Purpose.VERIFY)})


@journey("answerEmailVerificationChallenge", "refused")
def answer_email_verification_challenge_wrongly(world: World) -> Call:
    """By another code."""
    return Call({"challengeToken": waiting(world), "code": "a-made-up-code"})

"""The lines of docs/guard.md about second factors."""

from dataclasses import replace

from django.utils import timezone

from accounts.conf import MfaRequired
from accounts.tokens.models import Session
from tests.api import PASSWORD
from tests.factories import make_account
from tests.guard.journeys import Call, World, journey
from tests.mfa.calls import SIGN_IN, challenge, confirm, create, holder, signed_in_with_app
from tests.mfa.enrolled import code_of, with_codes, with_passkey

BROWSER = {"Origin": "http://localhost:5173", "Apollo-Require-Preflight": "true", "Host": "localhost"}


def requiring(world: World) -> None:
    """Require a second factor of all."""
    world.settings.LATCHKEY = replace(world.settings.LATCHKEY, mfa_required_for=MfaRequired.ALL)


def verified(world: World) -> str:
    """The access token of somebody who may set a factor up."""
    return world.become(world.sign_in(make_account(email_verified=True)))


@journey("answerMfaChallenge")
def answer_mfa_challenge(world: World) -> Call:
    """With a code of the app."""
    account, secret = holder()
    return Call({"challengeToken": challenge(world.graphql, account), "factor": {"totpCode": code_of(secret)}})


@journey("answerMfaChallenge", "success, with a recovery code")
def answer_with_recovery_code(world: World) -> Call:
    """With one of ten."""
    account, _secret = holder()
    code, *_others = with_codes(account)
    return Call({"challengeToken": challenge(world.graphql, account), "factor": {"recoveryCode": code}})


@journey("answerMfaChallenge", "success, and the browser is remembered")
def answer_and_be_remembered(world: World) -> Call:
    """As it asked for."""
    world.settings.LATCHKEY = replace(world.settings.LATCHKEY, mfa_remember_days=30)
    account, secret = holder()
    given = {"email": account.email, "password": PASSWORD, "refreshTokenTransport": "COOKIE"}
    token = world.graphql(SIGN_IN, headers=BROWSER, input=given).data["tokenAuth"]["challenge"]["token"]
    answered = {"challengeToken": token, "factor": {"totpCode": code_of(secret)}, "rememberBrowser": True}
    return Call(answered, headers=BROWSER)


@journey("answerMfaChallenge", "refused, or one more step needed")
def answer_with_another_code(world: World) -> Call:
    """With another."""
    account, _secret = holder()
    return Call({"challengeToken": challenge(world.graphql, account), "factor": {"totpCode": "no code at all"}})


@journey("answerMfaEnrollmentChallenge")
def answer_enrollment_challenge(world: World) -> Call:
    """After an app was set up with its token."""
    requiring(world)
    token = challenge(world.graphql, make_account(email_verified=True))
    confirm(world.graphql, create(world.graphql, token=token)["enrollment"])
    return Call({"challengeToken": token})


@journey("answerMfaEnrollmentChallenge", "refused")
def answer_enrollment_challenge_too_early(world: World) -> Call:
    """Before anything was set up."""
    requiring(world)
    return Call({"challengeToken": challenge(world.graphql, make_account(email_verified=True))})


@journey("createTotpEnrollment")
def create_totp_enrollment(world: World) -> Call:
    """In a session."""
    return Call(token=verified(world))


@journey("createTotpEnrollment", "refused")
def create_totp_enrollment_unverified(world: World) -> Call:
    """With an address that nobody has proved."""
    return Call(token=world.me.access_token)


@journey("confirmTotpEnrollment")
def confirm_totp_enrollment(world: World) -> Call:
    """With a code of the app."""
    bearer = verified(world)
    enrollment = create(world.graphql, bearer=bearer)["enrollment"]
    return Call({"challengeToken": enrollment["token"], "code": code_of(enrollment["secret"])}, bearer)


@journey("confirmTotpEnrollment", "success, beside another factor")
def confirm_totp_enrollment_beside_a_passkey(world: World) -> Call:
    """With a passkey that counts as a factor."""
    account = make_account(email_verified=True)
    bearer = world.become(world.sign_in(account))
    requiring(world)
    with_passkey(account)
    Session.objects.filter(account=account).update(factor_proved_at=timezone.now())
    enrollment = create(world.graphql, bearer=bearer)["enrollment"]
    return Call({"challengeToken": enrollment["token"], "code": code_of(enrollment["secret"])}, bearer)


@journey("confirmTotpEnrollment", "refused")
def confirm_totp_enrollment_with_another_code(world: World) -> Call:
    """With another."""
    bearer = verified(world)
    enrollment = create(world.graphql, bearer=bearer)["enrollment"]
    return Call({"challengeToken": enrollment["token"], "code": "no code at all"}, bearer)


@journey("disableTotp")
def disable_totp(world: World) -> Call:
    """In a session that showed a code."""
    signed_in, _secret = signed_in_with_app(world.graphql)
    return Call(token=world.become(signed_in))


@journey("disableTotp", "there is none")
def disable_nothing(world: World) -> Call:
    """It is off."""
    return Call(token=world.me.access_token)


@journey("disableTotp", "refused")
def disable_totp_late(world: World) -> Call:
    """The proof is too old."""
    world.settings.LATCHKEY = replace(world.settings.LATCHKEY, reauthentication_lifetime=0)
    return Call(token=world.me.access_token)


@journey("regenerateRecoveryCodes")
def regenerate_recovery_codes(world: World) -> Call:
    """In a session that showed a code."""
    signed_in, _secret = signed_in_with_app(world.graphql)
    return Call(token=world.become(signed_in))


@journey("regenerateRecoveryCodes", "refused")
def regenerate_without_factor(world: World) -> Call:
    """There is no factor that they could replace."""
    return Call(token=world.me.access_token)

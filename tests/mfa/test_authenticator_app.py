"""Setting an authenticator app up, and what goes with it (S75, S87)."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.challenges.models import Challenge
from accounts.conf import MfaRequired, rate_limits
from accounts.factors import sealing
from accounts.factors.models import RecoveryCodes, RememberedBrowser, Totp
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.tokens.models import Session
from tests.api import codes, refusals
from tests.factories import make_account
from tests.mails import queued
from tests.mfa.calls import (
    CONFIRM,
    CREATE,
    DISABLE,
    MFA,
    REGENERATE,
    answer,
    challenge,
    confirm,
    create,
    finish,
    shown_password,
    signed_in_with_app,
)
from tests.mfa.enrolled import code_of, with_app, with_codes, with_passkey
from tests.providers.stored import nothing_changes

TOKEN = ["challengeToken"]


@pytest.fixture
def person() -> Account:
    """Somebody with a verified address."""
    return make_account(email_verified=True)


@pytest.fixture
def bearer(person, sign_in) -> str:
    """Their access token."""
    return sign_in(person).access_token


@pytest.fixture
def required(settings) -> None:
    """All have to set a second factor up."""
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_required_for=MfaRequired.ALL)


def disable(graphql, bearer):
    """The payload of switching the app off."""
    return graphql(DISABLE, token=bearer).data["disableTotp"]


def regenerate(graphql, bearer):
    """The payload of making new recovery codes."""
    return graphql(REGENERATE, token=bearer).data["regenerateRecoveryCodes"]


def test_an_app_counts_only_after_a_code(graphql, person, bearer):
    """S75: until then nothing is stored, and signing in asks for nothing."""
    with nothing_changes():
        enrollment = create(graphql, bearer=bearer)["enrollment"]
    assert enrollment["expiresIn"] == 900 and f"secret={enrollment['secret']}" in enrollment["uri"]
    assert shown_password(graphql, person)["tokens"]

    payload = confirm(graphql, enrollment, bearer=bearer)

    assert payload["errors"] == [] and len(payload["recoveryCodes"]) == 10
    assert payload["account"]["mfa"] == {
        "enabled": True,
        "methods": ["TOTP", "RECOVERY_CODE"],
        "recoveryCodesRemaining": 10,
    }
    assert "totp_enabled" in queued(person.email)
    assert codes(shown_password(graphql, person)) == ["MFA_REQUIRED"]


def test_the_code_that_set_the_app_up_is_used(graphql, person, bearer):
    """S57: and the recovery codes that were shown are right."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    code = code_of(enrollment["secret"])
    made = confirm(graphql, enrollment, bearer=bearer, code=code)["recoveryCodes"]
    token = challenge(graphql, person)

    assert codes(answer(graphql, token, totpCode=code)) == ["INVALID_CODE"]
    assert answer(graphql, token, recoveryCode=made[3])["tokens"]


def test_a_wrong_code_sets_nothing_up_and_can_be_corrected(graphql, bearer):
    """The enrolment is not spent."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]

    with nothing_changes():
        payload = confirm(graphql, enrollment, bearer=bearer, code="no code")

    assert (refusals(payload), payload["recoveryCodes"]) == ([("INVALID_CODE", ["code"])], [])
    assert SecurityEvent.objects.get(type=EventType.FACTOR_CHANGE_FAILED).cause == "INVALID_CODE"
    assert confirm(graphql, enrollment, bearer=bearer)["errors"] == []


def test_wrong_codes_are_limited(graphql, bearer, at):
    """S52."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    found = [codes(confirm(graphql, enrollment, bearer=bearer, code="no code")) for _ in range(6)]

    assert found == [["INVALID_CODE"]] * 5 + [["RATE_LIMITED"]]


def test_an_enrollment_works_once(graphql, bearer):
    """S75: neither beside the app that it set up, nor after that one was switched off."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    confirm(graphql, enrollment, bearer=bearer)
    later = timezone.now() + timedelta(minutes=2)
    with time_machine.travel(later):
        with nothing_changes():
            assert refusals(confirm(graphql, enrollment, bearer=bearer)) == [("INVALID_CHALLENGE", TOKEN)]
        Totp.objects.all().delete()
        with nothing_changes():
            assert refusals(confirm(graphql, enrollment, bearer=bearer)) == [("INVALID_CHALLENGE", TOKEN)]


@pytest.mark.parametrize("respelled", [lambda t: f"{t}=", lambda t: f"{t}\n", lambda t: f"{t[:9]}!{t[9:]}"])
def test_an_enrollment_has_one_spelling(graphql, bearer, person, respelled):
    """S75, S76: lenient base64 reads other texts as the same token. None of them is an enrolment that is not spent."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    assert codes(confirm(graphql, enrollment, bearer=bearer)) == []
    disable(graphql, bearer)

    again = confirm(graphql, {**enrollment, "token": respelled(enrollment["token"])}, bearer=bearer)

    assert codes(again) == ["INVALID_CHALLENGE"] and not Totp.objects.filter(account=person).exists()


def test_of_two_enrollments_one_counts(graphql, person, bearer):
    """The second would replace the app that the holder has just set up."""
    first, second = (create(graphql, bearer=bearer)["enrollment"] for _ in range(2))
    confirm(graphql, first, bearer=bearer)

    with nothing_changes():
        assert refusals(confirm(graphql, second, bearer=bearer)) == [("INVALID_CHALLENGE", TOKEN)]


def test_an_enrollment_belongs_to_its_session(graphql, person, bearer, sign_in):
    """S75: neither another session of the account nor another account confirms it."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    strangers = sign_in(make_account(email_verified=True)).access_token

    for other in (sign_in(person).access_token, strangers):
        with nothing_changes():
            assert refusals(confirm(graphql, enrollment, bearer=other)) == [("INVALID_CHALLENGE", TOKEN)]


def test_an_enrollment_of_a_session_needs_it(graphql, bearer):
    """Signed out, it is no credential."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    given = {"challengeToken": enrollment["token"], "code": code_of(enrollment["secret"])}

    with nothing_changes():
        assert graphql(CONFIRM, input=given).codes == ["UNAUTHENTICATED"]
        assert graphql(CREATE).codes == ["UNAUTHENTICATED"]


def test_an_enrollment_expires(graphql, person, required):
    """Also that of a challenge, which is a little younger."""
    enrollment = create(graphql, token=challenge(graphql, person))["enrollment"]

    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)), nothing_changes():
        assert refusals(confirm(graphql, enrollment)) == [("INVALID_CHALLENGE", TOKEN)]


def test_the_token_of_an_enrollment_shows_nothing(graphql, bearer):
    """It is sealed: its bearer can neither read nor change it."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    token = enrollment["token"]

    assert enrollment["secret"] not in token
    for changed in (token[:-2] + "xx", token[1:], token * 20, "", "\0", "ä"):
        assert refusals(confirm(graphql, {**enrollment, "token": changed}, bearer=bearer)) == [
            ("INVALID_CHALLENGE", TOKEN)
        ]


def test_tokens_of_other_purposes_are_no_enrollment(graphql, bearer):
    """S76: what is sealed for one purpose counts for no other."""
    token = sealing.token("passkey:create", lifetime=900, account="", secret="A" * 32, bound_to="", by_challenge=False)

    payload = confirm(graphql, {"token": token, "secret": "A" * 32}, bearer=bearer)

    assert refusals(payload) == [("INVALID_CHALLENGE", TOKEN)]


def test_an_unverified_address_sets_nothing_up(graphql, sign_in, bearer, person):
    """S87: else whoever registered with somebody's address would lock them out of it."""
    unverified = sign_in(make_account()).access_token
    enrollment = create(graphql, bearer=bearer)["enrollment"]
    Account.objects.filter(pk=person.pk).update(email_verified=False)

    with nothing_changes():
        assert refusals(create(graphql, bearer=unverified)) == [("EMAIL_VERIFICATION_REQUIRED", None)]
        assert refusals(confirm(graphql, enrollment, bearer=bearer)) == [("EMAIL_VERIFICATION_REQUIRED", None)]


def test_a_change_of_factors_needs_a_recent_proof(graphql, bearer):
    """S75, S88: a session that was left open sets nothing up and switches nothing off."""
    enrollment = create(graphql, bearer=bearer)["enrollment"]

    with time_machine.travel(timezone.now() + timedelta(minutes=11)), nothing_changes():
        for payload in (
            create(graphql, bearer=bearer),
            confirm(graphql, enrollment, bearer=bearer),
            disable(graphql, bearer),
            regenerate(graphql, bearer),
        ):
            assert refusals(payload) == [("REAUTHENTICATION_REQUIRED", None)]


def test_a_second_app_is_refused(graphql):
    """Switch the first one off before."""
    signed_in, _secret = signed_in_with_app(graphql)

    with nothing_changes():
        assert refusals(create(graphql, bearer=signed_in.access_token)) == [("ALREADY_ENABLED", None)]


def test_switching_the_app_off_is_told(graphql):
    """S75: signing in asks for nothing any more, and the recovery codes are gone."""
    signed_in, _secret = signed_in_with_app(graphql)
    with_codes(signed_in.account)

    payload = disable(graphql, signed_in.access_token)

    assert payload["account"]["mfa"] == {"enabled": False, "methods": [], "recoveryCodesRemaining": 0}
    assert not Totp.objects.exists() and not RecoveryCodes.objects.exists()
    assert "totp_disabled" in queued(signed_in.account.email)
    assert shown_password(graphql, signed_in.account)["tokens"]


def test_switching_off_what_is_not_on_changes_nothing(graphql, bearer, person):
    """It succeeds, and mails nobody."""
    with nothing_changes():
        assert disable(graphql, bearer)["errors"] == []
    assert "totp_disabled" not in queued(person.email)


def test_recovery_codes_stay_while_a_passkey_is_a_factor(graphql, required):
    """They stand for it as well."""
    signed_in, _secret = signed_in_with_app(graphql)
    with_codes(signed_in.account)
    with_passkey(signed_in.account)

    payload = disable(graphql, signed_in.access_token)

    assert payload["account"]["mfa"] == {
        "enabled": True,
        "methods": ["PASSKEY", "RECOVERY_CODE"],
        "recoveryCodesRemaining": 10,
    }


def test_new_recovery_codes_replace_the_old(graphql):
    """The holder is told."""
    signed_in, _secret = signed_in_with_app(graphql)
    old, *_others = with_codes(signed_in.account)

    payload = regenerate(graphql, signed_in.access_token)

    assert payload["errors"] == [] and len(payload["recoveryCodes"]) == 10
    assert payload["account"]["mfa"]["recoveryCodesRemaining"] == 10
    assert "recovery_codes_made" in queued(signed_in.account.email)
    token = challenge(graphql, signed_in.account)
    assert codes(answer(graphql, token, recoveryCode=old)) == ["INVALID_CODE"]
    assert answer(graphql, token, recoveryCode=payload["recoveryCodes"][0])["tokens"]


def test_there_are_no_recovery_codes_without_a_factor(graphql, bearer):
    """They would be a factor that nobody switched on."""
    with nothing_changes():
        assert refusals(regenerate(graphql, bearer)) == [("MFA_NOT_ENABLED", None)]


def test_each_change_asks_remembered_browsers_again(graphql):
    """A browser that was remembered before knows nothing of the new factor."""
    signed_in, _secret = signed_in_with_app(graphql)
    account, bearer = signed_in.account, signed_in.access_token

    def remembered() -> bool:
        """Whether one is, from now on."""
        left = RememberedBrowser.objects.exists()
        RememberedBrowser.objects.create(digest="x", account=account, expires_at=timezone.now() + timedelta(days=1))
        return left

    remembered()
    disable(graphql, bearer)
    assert not remembered()
    confirm(graphql, create(graphql, bearer=bearer)["enrollment"], bearer=bearer)
    assert not remembered()


def test_enrollment_is_the_next_step_where_a_factor_is_required(graphql, person, required):
    """The challenge stands in place of a Bearer token; the tokens come after the app."""
    payload = shown_password(graphql, person)
    token = payload["challenge"]["token"]
    assert codes(payload) == ["MFA_ENROLLMENT_REQUIRED"]
    assert payload["challenge"]["__typename"] == "MfaEnrollmentChallenge"
    assert payload["challenge"]["methods"] == ["TOTP", "PASSKEY"]
    assert (payload["tokens"], Session.objects.exists()) == (None, False)

    assert refusals(finish(graphql, token)) == [("MFA_NOT_ENABLED", None)]
    set_up = confirm(graphql, create(graphql, token=token)["enrollment"])
    assert (set_up["errors"], set_up["account"], len(set_up["recoveryCodes"])) == ([], None, 10)
    assert not Session.objects.exists()

    assert finish(graphql, token)["tokens"]
    assert Session.objects.get().authentication_methods == ["password", "totp"]
    assert refusals(finish(graphql, token)) == [("INVALID_CHALLENGE", TOKEN)]


def test_an_enrollment_of_a_challenge_needs_no_session_and_takes_none(graphql, person, required, sign_in):
    """It belongs to the account of the challenge, whoever else is signed in."""
    token = challenge(graphql, person)
    enrollment = create(graphql, token=token)["enrollment"]
    other = make_account(email_verified=True)
    with_app(other)
    bearer = answer(graphql, challenge(graphql, other), totpCode=code_of_app(other))["tokens"]["accessToken"]

    payload = confirm(graphql, enrollment, bearer=bearer)

    assert (payload["errors"], payload["account"]) == ([], None)
    assert Totp.objects.filter(account=person).exists()


def code_of_app(account: Account) -> str:
    """The code that the stored app shows now."""
    return code_of(sealing.unseal(Totp.objects.get(account=account).secret))


def test_a_challenge_sets_nothing_up_beside_a_factor_from_elsewhere(graphql, person, required):
    """A stolen password opens a challenge. Once the holder has a factor, it adds none, and signs nobody in."""
    thief = challenge(graphql, person)
    enrollment = create(graphql, token=thief)["enrollment"]
    with_app(person)

    with nothing_changes(Challenge):
        assert refusals(create(graphql, token=thief)) == [("INVALID_CHALLENGE", TOKEN)]
        assert refusals(confirm(graphql, enrollment)) == [("INVALID_CHALLENGE", TOKEN)]
        assert refusals(finish(graphql, thief)) == [("MFA_NOT_ENABLED", None)]


def test_a_factor_that_was_removed_again_finishes_nothing(graphql, person, required):
    """The holder has switched off what somebody set up with a stolen password."""
    thief = challenge(graphql, person)
    set_up = create(graphql, token=thief)["enrollment"]
    confirm(graphql, set_up)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        signed_in = answer(graphql, challenge(graphql, person), totpCode=code_of(set_up["secret"]))
        bearer = signed_in["tokens"]["accessToken"]
        disable(graphql, bearer)
        with_app(person)

        assert refusals(finish(graphql, thief)) == [("INVALID_CHALLENGE", TOKEN)]


@pytest.mark.parametrize(
    ("change", "code"), [({"is_active": False}, "ACCOUNT_DISABLED"), ({"session_epoch": None}, "INVALID_CHALLENGE")]
)
def test_what_ends_the_account_ends_its_enrollment(graphql, person, required, change, code):
    """S82: it is not set up any more, and what was set up finishes nothing."""
    ready, begun, new = (challenge(graphql, person) for _ in range(3))
    confirm(graphql, create(graphql, token=ready)["enrollment"])
    Totp.objects.all().delete()
    enrollment = create(graphql, token=begun)["enrollment"]
    if "session_epoch" in change:
        person.end_sessions()
    else:
        Account.objects.filter(pk=person.pk).update(**change)
    with_app(person)

    with nothing_changes(Challenge):
        assert codes(finish(graphql, ready)) == [code]
        assert refusals(confirm(graphql, enrollment)) == [("INVALID_CHALLENGE", TOKEN)]
        assert refusals(create(graphql, token=new)) == [("INVALID_CHALLENGE", TOKEN)]


def test_an_address_that_is_not_verified_any_more_ends_the_enrollment(graphql, person, required):
    """S87: before the app is set up, and before the tokens."""
    ready, begun = (challenge(graphql, person) for _ in range(2))
    confirm(graphql, create(graphql, token=ready)["enrollment"])
    Account.objects.update(email_verified=False)

    with nothing_changes(Challenge):
        assert refusals(finish(graphql, ready)) == [("INVALID_CHALLENGE", TOKEN)]
    Totp.objects.all().delete()
    with nothing_changes(Challenge):
        assert refusals(create(graphql, token=begun)) == [("INVALID_CHALLENGE", TOKEN)]


def test_attempts_with_unknown_challenges_are_limited(graphql, settings, at):
    """S52: by address."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("factor.address=3/1h"))
    calls = [
        lambda: finish(graphql, "x"),
        lambda: create(graphql, token="x"),
        lambda: answer(graphql, "x", totpCode="1"),
    ]

    assert [codes(call()) for call in calls * 2] == [["INVALID_CHALLENGE"]] * 3 + [["RATE_LIMITED"]] * 3


def test_an_enrollment_challenge_stays_in_its_transport(graphql, person, required):
    """S51, S63."""
    payload = graphql(
        "mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { challenge { token } errors { code } } }",
        headers={"Origin": "http://localhost:5173", "Apollo-Require-Preflight": "true", "Host": "localhost"},
        input={"email": person.email, "password": "correct horse battery staple", "refreshTokenTransport": "COOKIE"},
    ).data["tokenAuth"]
    token = payload["challenge"]["token"]
    confirm(graphql, create(graphql, token=token)["enrollment"])

    assert codes(finish(graphql, token)) == ["TRANSPORT_NOT_ALLOWED"]
    assert not Session.objects.exists()


def test_the_status_costs_one_statement(graphql, bearer, django_assert_num_queries):
    """`Account.mfa`; without a factor it is off."""
    query = f"{{ me {{ id {MFA} }} }}"
    graphql(query, token=bearer)

    with django_assert_num_queries(2):
        me = graphql(query, token=bearer).data["me"]

    assert me["mfa"] == {"enabled": False, "methods": [], "recoveryCodesRemaining": 0}


def test_a_passkey_alone_does_not_make_signing_in_ask(graphql, person, bearer):
    """It is shown as what is set up."""
    with_passkey(person)

    me = graphql(f"{{ me {{ id {MFA} }} }}", token=bearer).data["me"]

    assert me["mfa"] == {"enabled": False, "methods": ["PASSKEY"], "recoveryCodesRemaining": 0}
    assert shown_password(graphql, person)["tokens"]

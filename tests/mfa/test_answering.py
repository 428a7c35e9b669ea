"""`answerMfaChallenge`: the second factor after a first one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.challenges.models import Challenge
from accounts.conf import EmailVerification, rate_limits
from accounts.factors import webauthn
from accounts.factors.models import RecoveryCodes
from accounts.factors.webauthn import PasskeyPurpose
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, Purpose
from accounts.mails.rendering import render
from accounts.people.models import Account
from accounts.shared.single_use import digest_of
from accounts.tokens.models import Session
from tests.api import ME, PASSWORD, SignedIn, codes, refusals
from tests.authenticator import Authenticator
from tests.factories import make_account, make_client
from tests.mails import queued, typed_code
from tests.mfa.calls import ANSWER, SIGN_IN, answer, challenge, holder, shown_password
from tests.mfa.enrolled import code_of, with_app, with_codes
from tests.providers.stored import nothing_changes
from tests.reauthentication.factors import passkey_of
from tests.verification import calls as verification

TOTP = ["factor", "totpCode"]
BROWSER = {"Origin": "http://localhost:5173", "Apollo-Require-Preflight": "true", "Host": "localhost"}


@pytest.fixture
def unlimited(settings):
    """Only the challenge itself bounds its answers."""
    settings.LATCHKEY = replace(
        settings.LATCHKEY, rate_limits=rate_limits("factor.account=off,factor.account_address=off")
    )


def test_the_password_alone_signs_nobody_in(graphql):
    """The challenge says what can answer it; nothing else comes out."""
    account, _secret = holder()
    with_codes(account)

    payload = shown_password(graphql, account)

    assert codes(payload) == ["MFA_REQUIRED"]
    assert (payload["tokens"], payload["account"], payload["isNewAccount"]) == (None, None, False)
    assert payload["challenge"]["__typename"] == "MfaChallenge"
    assert payload["challenge"]["methods"] == ["TOTP", "RECOVERY_CODE"]
    assert payload["challenge"]["expiresIn"] == 900
    assert not Session.objects.exists()
    assert SecurityEvent.objects.get().cause == "MFA_REQUIRED"


def test_a_code_of_the_app_finishes_the_sign_in(graphql):
    """The session knows what was shown, and when."""
    account, secret = holder()

    payload = answer(graphql, challenge(graphql, account), totpCode=code_of(secret))

    assert (payload["errors"], payload["challenge"], payload["isNewAccount"]) == ([], None, False)
    session = Session.objects.get()
    assert session.authentication_methods == ["password", "totp"]
    assert session.factor_proved_at == session.authenticated_at
    assert graphql(ME, token=payload["tokens"]["accessToken"]).data["me"]["email"] == account.email


def test_a_wrong_code_changes_nothing_and_can_be_corrected(graphql):
    """S57: it is recorded, and counts one attempt."""
    account, secret = holder()
    token = challenge(graphql, account)

    with nothing_changes(Challenge):
        payload = answer(graphql, token, totpCode="abc")

    assert (refusals(payload), payload["tokens"]) == ([("INVALID_CODE", TOTP)], None)
    assert Challenge.objects.get().attempts == 1
    failure = SecurityEvent.objects.get(type=EventType.FACTOR_FAILED)
    assert (failure.subject, failure.cause) == (account.pk, "INVALID_CODE")
    assert answer(graphql, token, totpCode=code_of(secret))["tokens"]


def test_a_code_counts_once_over_all_challenges(graphql):
    """S57: whoever has looked over the shoulder cannot use it after the holder."""
    account, secret = holder()
    tokens = [challenge(graphql, account) for _ in range(2)]
    code = code_of(secret)

    assert answer(graphql, tokens[0], totpCode=code)["errors"] == []
    again = answer(graphql, tokens[1], totpCode=code)
    assert refusals(again) == [("INVALID_CODE", TOTP)]
    # Nobody has clicked a link.
    assert [error["message"] for error in again["errors"]] == ["This code is not correct, or it was used before."]
    assert Session.objects.count() == 1


def test_a_recovery_code_finishes_the_sign_in_and_is_told(graphql):
    """S57: it counts once, and the holder is mailed."""
    account, _secret = holder()
    code, *_others = with_codes(account)

    payload = answer(graphql, challenge(graphql, account), recoveryCode=code.lower())

    assert payload["errors"] == []
    assert Session.objects.get().authentication_methods == ["password", "recovery_code"]
    assert "recovery_code_used" in queued(account.email)
    assert len(RecoveryCodes.objects.get().digests) == 9
    again = answer(graphql, challenge(graphql, account), recoveryCode=code)
    assert refusals(again) == [("INVALID_CODE", ["factor", "recoveryCode"])]


def test_the_mail_asks_for_new_codes_when_two_are_left(graphql):
    """Not before."""
    account, _secret = holder()
    made = with_codes(account)
    for code in made[:8]:
        answer(graphql, challenge(graphql, account), recoveryCode=code)

    mails = Mail.objects.filter(template="recovery_code_used").order_by("created_at")
    texts = [render(mail).text for mail in mails]

    assert ["Make new ones now" in text for text in texts] == [False] * 7 + [True]
    assert "9 recovery codes are left." in texts[0] and "2 recovery codes are left." in texts[-1]


def test_a_challenge_works_once(graphql):
    """S63, S78: nobody answers it again, also not with another right factor."""
    account, secret = holder()
    code, *_others = with_codes(account)
    token = challenge(graphql, account)
    answer(graphql, token, totpCode=code_of(secret))

    with nothing_changes():
        assert refusals(answer(graphql, token, recoveryCode=code)) == [("INVALID_CHALLENGE", ["challengeToken"])]


@pytest.mark.parametrize("text", ["", "x", "\0", "\u202e" * 50, "x" * 100_000])
def test_the_worst_tokens_are_no_challenge(graphql, text):
    """S80: nor is that of somebody else's step."""
    assert refusals(answer(graphql, text, totpCode="123456")) == [("INVALID_CHALLENGE", ["challengeToken"])]


@pytest.mark.parametrize("text", ["", "1", "\0" * 6, "１２３４５６", "9" * 100_000])
def test_the_worst_codes_are_wrong_codes(graphql, text):
    """S80: also where one is right, and for recovery codes."""
    account, _secret = holder()
    with_codes(account)
    token = challenge(graphql, account)

    assert refusals(answer(graphql, token, totpCode=text)) == [("INVALID_CODE", TOTP)]
    assert refusals(answer(graphql, token, recoveryCode=text)) == [("INVALID_CODE", ["factor", "recoveryCode"])]


@pytest.mark.usefixtures("unlimited")
def test_a_challenge_bears_ten_answers(graphql):
    """S63: the eleventh is not checked, right or wrong."""
    account, secret = holder()
    token = challenge(graphql, account)
    for _ in range(10):
        assert codes(answer(graphql, token, totpCode="no code")) == ["INVALID_CODE"]

    with nothing_changes(Challenge):
        assert codes(answer(graphql, token, totpCode=code_of(secret))) == ["INVALID_CHALLENGE"]


def test_a_challenge_expires(graphql):
    """S63."""
    account, secret = holder()
    token = challenge(graphql, account)

    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        assert codes(answer(graphql, token, totpCode=code_of(secret))) == ["INVALID_CHALLENGE"]
    assert not Session.objects.exists()


def test_wrong_codes_are_limited_by_account(graphql, at):
    """S52, S57: also with a new challenge for each; then the right one is refused too, and not used up."""
    account, secret = holder()
    for _ in range(5):
        assert codes(answer(graphql, challenge(graphql, account), totpCode="no code")) == ["INVALID_CODE"]

    with nothing_changes(Challenge):
        payload = answer(graphql, challenge(graphql, account), totpCode=code_of(secret))

    assert codes(payload) == ["RATE_LIMITED"]


def test_right_codes_are_not_limited(graphql):
    """They are no failures."""
    account, secret = holder()
    for number in range(12):
        with time_machine.travel(timezone.now() + timedelta(minutes=number)):
            assert answer(graphql, challenge(graphql, account), totpCode=code_of(secret))["errors"] == []


def test_a_disabled_account_is_told(graphql):
    """The code is not used up."""
    account, secret = holder()
    token = challenge(graphql, account)
    type(account).objects.filter(pk=account.pk).update(is_active=False)

    with nothing_changes(Challenge):
        assert codes(answer(graphql, token, totpCode=code_of(secret))) == ["ACCOUNT_DISABLED"]


def test_a_new_password_ends_the_sign_in(graphql):
    """S82: what was shown before no longer counts."""
    account, secret = holder()
    token = challenge(graphql, account)
    account.set_password("another passphrase altogether")
    account.save()

    with nothing_changes(Challenge):
        assert codes(answer(graphql, token, totpCode=code_of(secret))) == ["INVALID_CHALLENGE"]


def test_an_address_that_is_not_verified_any_more_is_asked_for_last(graphql, settings):
    """S78: where that is mandatory. The code then finishes the sign-in; what was shown before still counts."""
    settings.LATCHKEY = replace(settings.LATCHKEY, email_verification=EmailVerification.MANDATORY)
    account, secret = holder()
    token = challenge(graphql, account)
    type(account).objects.filter(pk=account.pk).update(email_verified=False)

    payload = answer(graphql, token, totpCode=code_of(secret))

    assert codes(payload) == ["EMAIL_VERIFICATION_REQUIRED"]
    assert (payload["tokens"], Session.objects.exists()) == (None, False)
    assert codes(answer(graphql, token, totpCode=code_of(secret))) == ["INVALID_CHALLENGE"]
    given = {"challengeToken": payload["challenge"]["token"], "code": typed_code(account.email, Purpose.VERIFY)}
    signed_in = graphql(verification.ANSWER, input=given).data["answerEmailVerificationChallenge"]
    assert signed_in["tokens"]
    assert Session.objects.get().authentication_methods == ["password", "totp", "email_code"]


def test_the_tokens_are_for_the_client_scope_and_transport_of_the_first_call(graphql):
    """S63: the answer names none of them."""
    client, _secret = make_client()
    account, secret = holder()
    token = challenge(graphql, account, clientId=client.client_id, scope="account")

    payload = answer(graphql, token, totpCode=code_of(secret))

    assert payload["tokens"]["scope"] == "account"
    assert Session.objects.get().client == client


def test_the_cookie_of_the_first_call_is_not_replaced_by_a_body(graphql, client):
    """S51, S63: an answer that cannot set it gets no tokens, and uses nothing up."""
    account, secret = holder()
    given = {"email": account.email, "password": PASSWORD, "refreshTokenTransport": "COOKIE"}
    token = graphql(SIGN_IN, headers=BROWSER, input=given).data["tokenAuth"]["challenge"]["token"]
    given = {"challengeToken": token, "factor": {"totpCode": code_of(secret)}}

    with nothing_changes(Challenge):
        refused = graphql(ANSWER, input=given).data["answerMfaChallenge"]
    payload = graphql(ANSWER, headers=BROWSER, input=given).data["answerMfaChallenge"]

    assert codes(refused) == ["TRANSPORT_NOT_ALLOWED"]
    assert payload["errors"] == [] and payload["tokens"]["refreshToken"] is None


def test_a_bearer_token_is_no_factor(graphql, sign_in):
    """S24: a session of the same account helps nobody to pass."""
    account = make_account(email_verified=True)
    bearer = sign_in(account).access_token
    with_app(account)
    token = challenge(graphql, account)
    given = {"challengeToken": token, "factor": {"totpCode": "123"}}

    assert codes(graphql(ANSWER, token=bearer, input=given).data["answerMfaChallenge"]) == ["INVALID_CODE"]


def ceremony(
    account: Account | None,
    challenge_token: str,
    *,
    purpose: PasskeyPurpose = PasskeyPurpose.SECOND_FACTOR,
) -> webauthn.Ceremony:
    """One that belongs to this challenge."""
    return webauthn.begin_assertion(purpose, account=account, bound_to=digest_of(challenge_token))


def shown(begun: webauthn.Ceremony, authenticator: Authenticator) -> dict[str, Any]:
    """The factor: the answer of this authenticator."""
    return {"challengeToken": begun.token, "response": authenticator.get(begun.options)}


def test_a_passkey_finishes_the_sign_in(graphql):
    """S76: it need not verify its user, since the password was shown. Its ceremony counts once."""
    account, _secret = holder()
    authenticator = passkey_of(SignedIn(account, "", ""), uv=False)
    tokens = [challenge(graphql, account) for _ in range(2)]
    begun = ceremony(account, tokens[0])

    payload = answer(graphql, tokens[0], passkey=shown(begun, authenticator))

    assert payload["errors"] == []
    assert Session.objects.get().authentication_methods == ["password", "passkey"]
    again = answer(graphql, tokens[1], passkey=shown(begun, authenticator))
    assert refusals(again) == [("INVALID_CHALLENGE", ["factor", "passkey", "challengeToken"])]


def test_a_passkey_that_does_not_fit_is_rejected(graphql):
    """Nothing is used up: the right one works afterwards."""
    account, _secret = holder()
    other = make_account(email_verified=True)
    authenticator = passkey_of(SignedIn(account, "", ""))
    token = challenge(graphql, account)
    begun = ceremony(account, token)
    theirs = passkey_of(SignedIn(other, "", ""))
    strange = theirs.shown(theirs.credentials[0], begun.options["challenge"])

    for response in (strange, {}, [], "x", 1, {"id": "x" * 10_000}):
        with nothing_changes(Challenge):
            payload = answer(graphql, token, passkey={"challengeToken": begun.token, "response": response})
            assert codes(payload) == ["PASSKEY_REJECTED"]
            Challenge.objects.update(attempts=0)
    assert answer(graphql, token, passkey=shown(begun, authenticator))["tokens"]


def test_a_ceremony_of_something_else_is_no_factor(graphql):
    """S76: of another purpose, another challenge, another account, or of nobody."""
    account, _secret = holder()
    authenticator = passkey_of(SignedIn(account, "", ""))
    token = challenge(graphql, account)
    foreign = [
        ceremony(account, token, purpose=PasskeyPurpose.SIGN_IN),
        ceremony(account, token, purpose=PasskeyPurpose.REAUTHENTICATION),
        ceremony(account, challenge(graphql, account)),
        ceremony(None, token),
    ]

    for begun in foreign:
        with nothing_changes(Challenge):
            payload = answer(graphql, token, passkey=shown(begun, authenticator))
            assert refusals(payload) == [("INVALID_CHALLENGE", ["factor", "passkey", "challengeToken"])]


def test_exactly_one_factor_is_shown(graphql):
    """@oneOf: two are a bad request, and none is used up."""
    account, secret = holder()
    code, *_others = with_codes(account)
    given = {
        "challengeToken": challenge(graphql, account),
        "factor": {"totpCode": code_of(secret), "recoveryCode": code},
    }

    with nothing_changes():
        assert graphql(ANSWER, input=given).codes == ["BAD_USER_INPUT"]

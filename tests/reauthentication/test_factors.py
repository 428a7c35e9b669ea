"""S88: with a second factor on, a proof is a first factor and a second one, or a passkey that verifies its user."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.conf import MfaRequired, latchkey, rate_limits
from accounts.factors import webauthn
from accounts.factors.models import FactorReset, Passkey, RecoveryCodes, Totp
from accounts.factors.webauthn import PasskeyPurpose
from accounts.guard.models import SecurityEvent
from accounts.mails.models import MailedCode, Purpose
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.shared.models import SpentCredential
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import Session
from tests.api import ME, PASSWORD, SignedIn, codes, refusals
from tests.factories import make_account
from tests.factors.test_totp import set_up
from tests.mails import typed_code
from tests.passkeys.calls import ASK
from tests.providers.stored import nothing_changes
from tests.reauthentication.factors import by_app, by_passkey, by_recovery_code, passkey_of
from tests.reauthentication.test_mailed_code import REQUEST
from tests.reauthentication.test_reauthenticate import METHODS, REAUTHENTICATE
from tests.reauthentication.test_sensitive import document

BY_PASSWORD = {"password": PASSWORD}
LONG_AGO = timedelta(days=1)
TOTP, RECOVERY_CODE = ["credential", "totpCode"], ["credential", "recoveryCode"]
COMPLETE = {"expiresIn": 600, "errors": []}


@pytest.fixture
def stale(signed_in, graphql) -> SignedIn:
    """Somebody with an authenticator app, who signed in with both factors a day ago."""
    signed_in.account.secret = set_up(signed_in.account)
    graphql(ME, token=signed_in.access_token)
    begun = timezone.now() - LONG_AGO
    Session.objects.update(authenticated_at=begun, factor_proved_at=begun, authentication_methods=["password", "totp"])
    return signed_in  # type: ignore[no-any-return]


@pytest.fixture
def prove(graphql):
    """Send one credential: the payload."""

    def send(holder: SignedIn, credential: dict[str, Any]) -> Any:
        given = {"credential": credential}
        return graphql(REAUTHENTICATE, token=holder.access_token, input=given).data["reauthenticate"]

    return send


@pytest.fixture
def is_allowed(graphql):
    """Whether a sensitive change is."""

    def ask(holder: SignedIn) -> bool:
        given = {"newEmail": "not an address"}
        payload = graphql(document("requestEmailChange"), token=holder.access_token, input=given)
        found = codes(payload.data["requestEmailChange"])
        assert found in (["INVALID_INPUT"], ["REAUTHENTICATION_REQUIRED"])
        return found == ["INVALID_INPUT"]

    return ask


def events() -> list[tuple[str, str]]:
    """What was recorded of this room."""
    found = SecurityEvent.objects.filter(type__startswith="account:reauthenticate").order_by("created_at", "id")
    return list(found.values_list("type", "cause"))


@pytest.mark.parametrize("factor", [by_app, by_recovery_code])
@pytest.mark.parametrize("factor_first", [False, True])
def test_both_factors_together_are_a_proof(prove, is_allowed, stale, factor, factor_first):
    """In any order; each alone is kept and opens nothing."""
    first, second = (factor(stale), BY_PASSWORD) if factor_first else (BY_PASSWORD, factor(stale))
    missing = "REAUTHENTICATION_REQUIRED" if factor_first else "MFA_REQUIRED"

    half = prove(stale, first)
    assert (half["expiresIn"], refusals(half)) == (None, [(missing, None)])
    assert not is_allowed(stale)

    assert prove(stale, second) == COMPLETE
    assert is_allowed(stale)
    assert events()[-1] == ("account:reauthenticate:success", "")
    assert ("account:reauthenticate:failure", missing) in events()


def test_the_mailbox_alone_is_no_proof(graphql, prove, is_allowed, stale):
    """Whoever has the session and reads the mail; with a code of the app it is."""
    token = graphql(REQUEST, token=stale.access_token).data["requestReauthenticationCode"]["mailedCode"]["token"]
    code = typed_code(stale.account.email, Purpose.REAUTHENTICATE)

    assert codes(prove(stale, {"emailCode": {"challengeToken": token, "code": code}})) == ["MFA_REQUIRED"]
    assert not is_allowed(stale)
    assert MailedCode.objects.get().used_at

    assert prove(stale, by_app(stale)) == COMPLETE


def test_a_factor_of_long_ago_is_none(prove, is_allowed, stale):
    """Both have to be recent, and the older of them says until when."""
    assert codes(prove(stale, BY_PASSWORD)) == ["MFA_REQUIRED"]
    Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=9))

    assert 50 <= prove(stale, by_app(stale))["expiresIn"] <= 60
    assert is_allowed(stale)


def test_the_session_says_until_when_both_count(graphql, prove, stale):
    """`reauthenticatedUntil` is true to the rule."""

    def until() -> Any:
        return graphql(METHODS, token=stale.access_token).data["me"]["sessions"]["nodes"][0]["reauthenticatedUntil"]

    assert datetime.fromisoformat(until()) < timezone.now()
    prove(stale, BY_PASSWORD)
    assert datetime.fromisoformat(until()) < timezone.now()
    prove(stale, by_app(stale))
    assert datetime.fromisoformat(until()) > timezone.now() + timedelta(minutes=9)
    Session.objects.update(factor_proved_at=None)
    assert until() is None


@pytest.mark.parametrize("with_app", [True, False])
def test_a_passkey_that_verifies_its_user_is_both_factors(prove, is_allowed, stale, with_app):
    """And proves it where no second factor is on."""
    if not with_app:
        Totp.objects.all().delete()
    authenticator = passkey_of(stale)

    assert prove(stale, by_passkey(stale, authenticator)) == COMPLETE
    assert is_allowed(stale)
    session = Session.objects.get()
    assert session.authentication_methods == ["password", "totp", "passkey"]
    assert session.authenticated_at == session.factor_proved_at


def test_the_ceremony_is_begun_in_the_session(graphql, prove, stale):
    """By `createPasskeyAssertion`, with the Bearer token."""
    authenticator = passkey_of(stale)
    begun = graphql(ASK, token=stale.access_token, input={"purpose": "REAUTHENTICATION"}).data["createPasskeyAssertion"]
    ceremony = begun["ceremony"]
    response = authenticator.get(ceremony["options"])

    assert ceremony["options"]["userVerification"] == "required"
    assert prove(stale, {"passkey": {"challengeToken": ceremony["token"], "response": response}}) == COMPLETE


def refused_passkey(how: str, stale: SignedIn) -> tuple[str, list[str], dict[str, Any]]:
    """What is answered to it, and in which field, and the credential."""
    passkey = ["credential", "passkey"]
    challenge = ("INVALID_CHALLENGE", [*passkey, "challengeToken"])
    match how:
        case "unverified user":
            return "PASSKEY_REJECTED", [*passkey, "response"], by_passkey(stale, passkey_of(stale).with_(uv=False))
        case "another account's":
            other = passkey_of(SignedIn(make_account(), "", ""))
            mine = by_passkey(stale, passkey_of(stale))
            ceremony = webauthn.begin_assertion(
                PasskeyPurpose.REAUTHENTICATION, account=stale.account, bound_to=str(Session.objects.get().pk)
            )
            response = other.get({**ceremony.options, "allowCredentials": []})
            given = {**mine["passkey"], "challengeToken": ceremony.token, "response": response}
            return "PASSKEY_REJECTED", [*passkey, "response", "id"], {"passkey": given}
        case "of another session":
            return *challenge, by_passkey(stale, passkey_of(stale), session=str(stale.account.pk))
        case "for another purpose":
            return *challenge, by_passkey(stale, passkey_of(stale), purpose=PasskeyPurpose.SECOND_FACTOR)
        case _:
            given = by_passkey(stale, passkey_of(stale))
            return *challenge, {"passkey": {**given["passkey"], "challengeToken": "made-up"}}


@pytest.mark.parametrize(
    "how", ["unverified user", "another account's", "of another session", "for another purpose", "made up"]
)
def test_another_passkeys_answer_proves_nothing(prove, is_allowed, stale, how):
    """S76, S25."""
    code, field, credential = refused_passkey(how, stale)

    with nothing_changes():
        payload = prove(stale, credential)

    assert refusals(payload) == [(code, field)]
    assert not is_allowed(stale)


def test_a_passkeys_answer_proves_it_once(prove, stale):
    """S76."""
    credential = by_passkey(stale, passkey_of(stale))
    assert prove(stale, credential) == COMPLETE

    with nothing_changes():
        assert codes(prove(stale, credential)) == ["INVALID_CHALLENGE"]


@pytest.mark.parametrize(
    ("credential", "field"),
    [
        ({"totpCode": "000000"}, TOTP),
        ({"totpCode": ""}, TOTP),
        ({"totpCode": "9" * 5000}, TOTP),
        ({"recoveryCode": "BCDF-GHJK-LMNP"}, RECOVERY_CODE),
    ],
)
def test_a_wrong_code_proves_nothing(prove, stale, credential, field, monkeypatch):
    """And is recorded for the holder."""
    monkeypatch.setattr("pyotp.TOTP.generate_otp", lambda _app, _step: "123456")
    by_recovery_code(stale)

    with nothing_changes(SpentCredential):
        assert refusals(prove(stale, credential)) == [("INVALID_CODE", field)]
    assert events() == [("account:reauthenticate:failure", "INVALID_CODE")]


def test_a_code_proves_it_once(prove, stale):
    """S57: of the app, and of the recovery codes."""
    by_code = by_app(stale)
    by_paper = by_recovery_code(stale)
    for credential in (by_code, by_paper):
        assert codes(prove(stale, credential)) == ["REAUTHENTICATION_REQUIRED"]

    with nothing_changes():
        for credential in (by_code, by_paper):
            assert codes(prove(stale, credential)) == ["INVALID_CODE"]
    assert len(RecoveryCodes.objects.get().digests) == 9


@pytest.mark.parametrize("credential", [{"totpCode": "000000"}, {"recoveryCode": "BCDF-GHJK-LMNP"}])
def test_without_a_second_factor_there_is_none_to_show(prove, stale, credential):
    """Also once a reset has taken effect, whatever the tables still hold (S79)."""
    FactorReset.objects.create(account=stale.account, reason="lost", effective_at=timezone.now())

    with nothing_changes():
        assert refusals(prove(stale, credential)) == [("MFA_NOT_ENABLED", None)]
    assert prove(stale, BY_PASSWORD) == COMPLETE


def test_a_factor_that_is_shown_withdraws_a_reset(prove, stale):
    """S79: whoever has it has not lost all of them."""
    FactorReset.objects.create(account=stale.account, reason="lost", effective_at=timezone.now() + LONG_AGO)

    prove(stale, by_app(stale))

    assert not FactorReset.objects.exists()


def test_guesses_are_limited_with_those_at_sign_in(prove, stale, settings, monkeypatch):
    """S57: by account. The password is another count."""
    rates = rate_limits("factor.account=3/1h,factor.account_address=off")
    settings.LATCHKEY = replace(latchkey(), rate_limits=rates)
    right = by_app(stale)
    with monkeypatch.context() as patched:
        patched.setattr("pyotp.TOTP.generate_otp", lambda _app, _step: "123456")
        for _ in range(3):
            assert codes(prove(stale, {"totpCode": "000000"})) == ["INVALID_CODE"]

    with nothing_changes():
        assert codes(prove(stale, right)) == ["RATE_LIMITED"]
    assert codes(prove(stale, BY_PASSWORD)) == ["MFA_REQUIRED"]


def test_a_session_that_has_shown_nothing_is_not_opened_by_a_code_alone(prove, is_allowed, stale):
    """One that code of your own began, or an authorization code: its beginning was no proof."""
    Session.objects.update(authentication_methods=[], authenticated_at=timezone.now(), factor_proved_at=None)

    assert codes(prove(stale, by_app(stale))) == ["REAUTHENTICATION_REQUIRED"]
    assert not is_allowed(stale)
    assert prove(stale, BY_PASSWORD) == COMPLETE


def test_only_the_session_that_asks_is_proved(prove, is_allowed, stale):
    """Another one, perhaps a stolen one, stays as it was."""
    thief = Session.objects.get()
    begun = bearer_tokens.issue(
        account=Account.objects.get(), grant=bearer_tokens.authorize_client(), caller=Caller(), second_factor=True
    )
    holder = SignedIn(stale.account, begun.access_token, begun.refresh_token)
    prove(holder, BY_PASSWORD)

    assert prove(holder, by_app(stale)) == COMPLETE
    assert is_allowed(holder) and not is_allowed(stale)
    assert Session.objects.get(pk=thief.pk).factor_proved_at == thief.factor_proved_at


def test_who_is_signed_out_proves_nothing(graphql, stale):
    """401; no code is used up."""
    credentials = [by_app(stale), by_recovery_code(stale), by_passkey(stale, passkey_of(stale))]
    bearer_tokens.end_session(Session.objects.get())

    with nothing_changes():
        for credential in credentials:
            answer = graphql(REAUTHENTICATE, token=stale.access_token, input={"credential": credential})
            assert answer.codes == ["UNAUTHENTICATED"]


def test_the_account_is_told_what_it_can_prove_itself_with(graphql, stale):
    """A recovery code is for emergencies."""

    def methods() -> Any:
        return graphql(METHODS, token=stale.access_token).data["me"]["reauthenticationMethods"]

    assert methods() == ["PASSWORD", "EMAIL_CODE", "TOTP"]
    passkey_of(stale)
    assert methods() == ["PASSWORD", "EMAIL_CODE", "TOTP", "PASSKEY"]
    Totp.objects.all().delete()
    assert methods() == ["PASSWORD", "EMAIL_CODE", "PASSKEY"]


def test_a_passkey_counts_as_factor_only_once_one_is_on(prove, stale, settings):
    """Who adds one to sign in with does not ask for a second step; where a factor is required, it is the factor."""
    Totp.objects.all().delete()
    passkey_of(stale)
    assert prove(stale, BY_PASSWORD) == COMPLETE
    Session.objects.update(factor_proved_at=None)
    settings.LATCHKEY = replace(latchkey(), mfa_required_for=MfaRequired.ALL)

    assert codes(prove(stale, BY_PASSWORD)) == ["MFA_REQUIRED"]
    Passkey.objects.all().delete()
    assert prove(stale, BY_PASSWORD) == COMPLETE

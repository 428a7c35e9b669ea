"""S77: a provider's word that it has asked for a second factor counts where the service trusts it, and nowhere else."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.checks import run_checks
from social_django.models import UserSocialAuth

from accounts.challenges.models import Challenge
from accounts.conf import EmailVerification, MfaRequired
from accounts.people.models import Account
from accounts.social import second_factor
from accounts.tokens.models import Session
from tests.api import ANSWER_PROFILE, AUTH_URL, CONVERT, UNLINK, codes
from tests.factories import make_account
from tests.factors.test_totp import set_up
from tests.mails import typed_code
from tests.reauthentication.test_reauthenticate import CALLBACK, REAUTHENTICATE
from tests.verification.calls import ANSWER

GOOGLE = "google-oauth2"
SUBJECT = "110169484474386276334"
MFA = ["pwd", "mfa"]


@pytest.fixture
def holder(db: None) -> Account:
    """Somebody with a link to Google, and an authenticator app."""
    account = make_account(email="ada@example.com", email_verified=True)
    UserSocialAuth.objects.create(user=account, provider=GOOGLE, uid=SUBJECT, id_key="sub")
    set_up(account)
    return account


@pytest.fixture
def trust(settings, providers):
    """Trust the word of these providers."""

    def change(*names: str, **more: Any) -> None:
        settings.LATCHKEY = replace(settings.LATCHKEY, mfa_trusted_providers=names, **more)

    return change


@pytest.fixture
def convert(graphql, providers):
    """Sign in with an ID token of Google's: the payload."""

    def send(**claims: Any) -> Any:
        given = {"provider": "google", "credential": {"idToken": providers["google"].id_token(**claims)}}
        return graphql(CONVERT, input=given).data["convertSocialToken"]

    return send


@pytest.mark.parametrize(
    ("methods", "shown"),
    [
        (["mfa"], True),
        (["pwd", "otp"], True),
        (["hwk", "pin"], True),
        (["swk", "fpt"], True),
        (["pwd"], False),
        (["pwd", "pin"], False),
        (["otp", "hwk"], False),
        (["face", "fpt"], False),
        (["pwd", "sms"], False),
        (["pwd", "geo", "rba", "user", "wia", "mca", "kba", "tel"], False),
        (["MFA"], False),
        ([], False),
    ],
)
def test_which_methods_are_two_factors(methods, shown):
    """`mfa`, or two of different kinds: something known, held, of the body."""
    assert second_factor.is_shown(methods) is shown


def test_a_trusted_provider_has_asked(holder, trust, convert):
    """The sign-in passes."""
    trust(GOOGLE)

    payload = convert(amr=MFA)

    assert payload["errors"] == [] and payload["account"]["email"] == holder.email
    assert Session.objects.get().authentication_methods == ["social"]


@pytest.mark.parametrize("trusted", [(), ("corp",), ("google",)])
def test_the_word_of_another_counts_for_nothing(holder, trust, convert, trusted):
    """Neither does that of a name that is only an alias."""
    trust(*trusted)

    assert codes(convert(amr=MFA)) == ["MFA_REQUIRED"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("amr", [None, [], ["pwd"], "mfa", {"mfa": True}, ["mfa", 7], [["mfa"]]], ids=str)
def test_a_trusted_provider_that_does_not_say_so_counts_for_nothing(holder, trust, convert, amr):
    """Nor does one whose claim is malformed."""
    trust(GOOGLE)

    assert codes(convert(amr=amr)) == ["MFA_REQUIRED"]
    assert not Session.objects.exists()


def test_an_access_token_says_nothing(holder, trust, graphql, providers):
    """Whatever userinfo claims: nobody has signed it for this sign-in."""
    trust(GOOGLE)
    given = {"provider": "google", "credential": {"accessToken": providers.google_token(amr=MFA)}}

    assert codes(graphql(CONVERT, input=given).data["convertSocialToken"]) == ["MFA_REQUIRED"]


@pytest.mark.parametrize(("amr", "expected"), [(MFA, []), (None, ["MFA_REQUIRED"])])
def test_the_id_token_that_comes_for_a_code_says_it(holder, trust, graphql, providers, amr, expected):
    """And it alone, though userinfo is asked for what it lacks, and says it too."""
    trust(GOOGLE)
    providers["google"].person["amr"] = MFA
    begun = graphql(AUTH_URL, input={"provider": "google", "redirectUri": CALLBACK}).data["createSocialAuthUrl"]
    authorization = begun["authorization"]
    back = providers["google"].authorize(authorization["url"], amr=amr, given_name=None)
    given = {"provider": "google", "credential": {"code": {**back, "flow": authorization["flow"]}}}

    assert codes(graphql(CONVERT, input=given).data["convertSocialToken"]) == expected


@pytest.fixture
def missing_name(convert):
    """A first sign-in that says it has shown two factors, and waits for a name."""
    payload = convert(amr=MFA, given_name=None, family_name=None, name=None)
    assert codes(payload) == ["PROFILE_REQUIRED"]
    return payload["challenge"]["token"]


def test_it_is_kept_while_a_profile_is_asked_for(trust, graphql, missing_name):
    """S78: where everybody must have a factor, the last step is not asked for one."""
    trust(GOOGLE, mfa_required_for=MfaRequired.ALL)

    answered = graphql(ANSWER_PROFILE, input={"challengeToken": missing_name, "firstName": "Ada"})

    assert answered.data["answerProfileChallenge"]["errors"] == []


def test_trust_that_is_withdrawn_meanwhile_counts_for_nothing(trust, graphql, missing_name):
    """What counts is the setting of the last step."""
    trust(mfa_required_for=MfaRequired.ALL)

    answered = graphql(ANSWER_PROFILE, input={"challengeToken": missing_name, "firstName": "Ada"})

    assert codes(answered.data["answerProfileChallenge"]) == ["MFA_ENROLLMENT_REQUIRED"]


def test_a_challenge_of_an_earlier_release_says_nothing(trust, graphql, missing_name):
    """It was stored without it."""
    challenge = Challenge.objects.get()
    del challenge.data["second_factor"]
    challenge.save()
    trust(GOOGLE, mfa_required_for=MfaRequired.ALL)

    answered = graphql(ANSWER_PROFILE, input={"challengeToken": missing_name, "firstName": "Ada"})

    assert codes(answered.data["answerProfileChallenge"]) == ["MFA_ENROLLMENT_REQUIRED"]


@pytest.mark.parametrize("has_account", [False, True])
@pytest.mark.parametrize(("trusted", "expected"), [((GOOGLE,), []), ((), ["MFA_ENROLLMENT_REQUIRED"])])
def test_it_is_kept_while_the_address_is_confirmed(trust, graphql, convert, has_account, trusted, expected):
    """S78: of a registration that waits, and of an account that never confirmed its address."""
    trust(GOOGLE, mfa_required_for=MfaRequired.ALL, email_verification=EmailVerification.MANDATORY)
    if has_account:
        account = make_account(email="ada@example.com")
        UserSocialAuth.objects.create(user=account, provider=GOOGLE, uid=SUBJECT, id_key="sub")
    waits = convert(amr=MFA, email="ada@example.com", email_verified=False)
    assert codes(waits) == ["EMAIL_VERIFICATION_REQUIRED"]
    trust(*trusted, mfa_required_for=MfaRequired.ALL, email_verification=EmailVerification.MANDATORY)

    given = {"challengeToken": waits["challenge"]["token"], "code": typed_code("ada@example.com", "verify")}
    payload = graphql(ANSWER, input=given).data["answerEmailVerificationChallenge"]

    assert codes(payload) == expected


def test_it_opens_nothing_sensitive(holder, trust, graphql, convert, providers):
    """S88: the provider may answer from a session of this morning. Neither sign-in nor proof by it is a factor."""
    trust(GOOGLE)
    token = convert(amr=MFA)["tokens"]["accessToken"]
    assert Session.objects.get().factor_proved_at is None
    assert codes(graphql(UNLINK, token=token, input={"id": "x"}).data["unlinkSocialAccount"]) == [
        "REAUTHENTICATION_REQUIRED"
    ]

    id_token = providers["google"].id_token(amr=MFA, jti="another")
    credential = {"social": {"provider": "google", "credential": {"idToken": id_token}}}
    proved = graphql(REAUTHENTICATE, token=token, input={"credential": credential}).data["reauthenticate"]

    assert codes(proved) == ["MFA_REQUIRED"]
    assert Session.objects.get().factor_proved_at is None


@pytest.mark.parametrize(("names", "found"), [((GOOGLE,), []), (("google", GOOGLE, "nobody"), ["google, nobody"])])
def test_a_name_that_no_provider_has_is_an_error(trust, names, found):
    """It would ask people again who have shown a factor there."""
    trust(*names)

    errors = [message for message in run_checks() if message.id == "accounts.E006"]

    assert [message.msg.rstrip(".").rpartition(": ")[2] for message in errors] == found

"""S78: the steps of a sign-in in all combinations: none is skipped, replayed or taken in another order.

A sign-in through a provider may need a profile, then the confirmation of its address, then a second factor. Tokens come
after the last step, and only then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from accounts.conf import EmailVerification, MfaRequired, rate_limits
from accounts.mails.models import MailedCode, Purpose
from accounts.people.models import Account
from accounts.tokens.models import Session
from tests.api import GraphQL, codes
from tests.mails import typed_code
from tests.mfa.calls import ANSWER as ANSWER_MFA
from tests.mfa.calls import FINISH, STEP, confirm, create
from tests.mfa.enrolled import code_of, with_app
from tests.providers.server import Providers
from tests.verification.calls import ADDRESS, ANSWER, ANSWER_PROFILE, CONVERT

PROFILE, VERIFY, FACTOR, ENROLL = (
    "PROFILE_REQUIRED",
    "EMAIL_VERIFICATION_REQUIRED",
    "MFA_REQUIRED",
    "MFA_ENROLLMENT_REQUIRED",
)
NOT_YET = {"INVALID_CHALLENGE", "INVALID_CODE", "MFA_NOT_ENABLED", "EXPIRED_CODE", PROFILE, VERIFY, FACTOR, ENROLL}
COMBINATIONS = [
    tuple(step for step in (profile, verify, last) if step)
    for profile in (None, PROFILE)
    for verify in (None, VERIFY)
    for last in (None, FACTOR, ENROLL)
]


@dataclass
class Journey:
    """A sign-in of Ada that needs these steps, and the tokens of those that were asked for."""

    graphql: GraphQL
    providers: Providers
    steps: tuple[str, ...]
    secret: str = ""
    profiles: list[str] = field(default_factory=list)
    """ProfileChallenges that were created before the account."""

    @property
    def person(self) -> dict[str, Any]:
        """What the provider says."""
        said: dict[str, Any] = {"email_verified": VERIFY not in self.steps}
        return said | ({"given_name": None} if PROFILE in self.steps else {})

    def call(self, query: str, **given: Any) -> Any:
        """The payload of a mutation, with the next step."""
        if "MfaChallenge" not in query:
            query = query.replace("errors {", f"{STEP} errors {{", 1)
        [payload] = self.graphql(query, input=given).data.values()
        return payload

    def convert(self) -> Any:
        """The payload of the first call."""
        given = {"accessToken": self.providers.google_token(**self.person)}
        return self.call(CONVERT, provider="google", credential=given)

    def begin(self) -> Any:
        """The payload of the first call, or what it was before the account had a factor."""
        if not self.profiles:
            return self.convert()
        return {"tokens": None, "errors": [{"code": PROFILE}], "challenge": {"token": self.profiles[0]}}

    def answer(self, step: str, token: str) -> Any:
        """The payload of a right answer to this step."""
        return ANSWERS[step](self, token)


def answer_profile(journey: Journey, token: str) -> Any:
    """With what was missing."""
    return journey.call(ANSWER_PROFILE, challengeToken=token, firstName="Ada")


def answer_verification(journey: Journey, token: str) -> Any:
    """With the mailed code, if there is one."""
    mailed = MailedCode.objects.filter(email=ADDRESS, purpose=Purpose.VERIFY).exists()
    return journey.call(ANSWER, challengeToken=token, code=typed_code(ADDRESS, Purpose.VERIFY) if mailed else "none")


def answer_factor(journey: Journey, token: str) -> Any:
    """With a code of the app."""
    code = code_of(journey.secret) if journey.secret else "none"
    return journey.call(ANSWER_MFA, challengeToken=token, factor={"totpCode": code})


def answer_enrollment(journey: Journey, token: str) -> Any:
    """After an app was set up with this token, if it can be."""
    enrollment = create(journey.graphql, token=token)["enrollment"]
    if enrollment:
        confirm(journey.graphql, enrollment)
    return journey.call(FINISH, challengeToken=token)


ANSWERS: dict[str, Callable[[Journey, str], Any]] = {
    PROFILE: answer_profile,
    VERIFY: answer_verification,
    FACTOR: answer_factor,
    ENROLL: answer_enrollment,
}


@pytest.fixture
def journey(graphql, providers, settings) -> Callable[[tuple[str, ...]], Journey]:
    """A journey that needs these steps."""
    off = ",".join(f"{action}.{line}=off" for action in ("factor", "mail") for line in ("account", "account_address"))
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits(off))

    def prepare(steps: tuple[str, ...]) -> Journey:
        made = Journey(graphql, providers, steps)
        if FACTOR in steps:
            # Only an account that exists has a factor. Its sign-in waits for a profile since before it existed.
            if PROFILE in steps:
                made.profiles = [made.convert()["challenge"]["token"] for _ in range(2)]
                assert made.answer(PROFILE, made.profiles.pop())["tokens"]
            else:
                assert made.convert()["tokens"]
            account = Account.objects.get()
            made.secret = with_app(account)
            account.end_sessions()
            account.email_verified = VERIFY not in steps
            account.save()
        if VERIFY in steps:
            settings.LATCHKEY = replace(settings.LATCHKEY, email_verification=EmailVerification.MANDATORY)
        if ENROLL in steps:
            settings.LATCHKEY = replace(settings.LATCHKEY, mfa_required_for=MfaRequired.ALL)
        return made

    return prepare


@pytest.mark.parametrize("steps", COMBINATIONS)
def test_each_step_says_what_is_next_and_tokens_come_last(journey, steps):
    """S78: in this order, whatever is needed."""
    ada = journey(steps)
    payload = ada.begin()

    for step in steps:
        assert (codes(payload), payload["tokens"], Session.objects.exists()) == ([step], None, False)
        payload = ada.answer(step, payload["challenge"]["token"])

    assert (payload["errors"], Session.objects.count()) == ([], 1)
    assert payload["tokens"]


@pytest.mark.parametrize("steps", [steps for steps in COMBINATIONS if steps])
def test_no_step_is_skipped(journey, steps):
    """S63, S78: the token of a step answers no other one, whatever the answer."""
    ada = journey(steps)
    payload = ada.begin()

    for step in steps:
        token = payload["challenge"]["token"]
        for other in ANSWERS.keys() - {step}:
            skipped = ada.answer(other, token)
            assert (codes(skipped), skipped["tokens"]) == (["INVALID_CHALLENGE"], None)
        assert not Session.objects.exists()
        payload = ada.answer(step, token)
    assert payload["tokens"]


@pytest.mark.parametrize("steps", [steps for steps in COMBINATIONS if len(steps) > 1])
def test_no_step_is_replayed(journey, steps):
    """S63, S78: who answers an earlier step again gets no tokens for it: not before the last step, and not after it."""
    ada = journey(steps)
    payload, taken = ada.begin(), []

    for step in steps:
        taken.append((step, payload["challenge"]["token"]))
        payload = ada.answer(*taken[-1])
        if payload["tokens"] is None:
            for earlier in taken:
                replayed = ada.answer(*earlier)
                assert replayed["tokens"] is None and set(codes(replayed)) <= NOT_YET
                # A profile may be corrected until its address is confirmed: then the newest step counts as well.
                payload = replayed if replayed["challenge"] and codes(replayed) == codes(payload) else payload
            assert not Session.objects.exists()
    assert payload["tokens"]
    for earlier in taken:
        replayed = ada.answer(*earlier)
        assert replayed["tokens"] is None and set(codes(replayed)) <= NOT_YET
    assert Session.objects.count() == 1


@pytest.mark.parametrize("steps", [steps for steps in COMBINATIONS if len(steps) > 1])
def test_no_step_is_taken_before_its_turn(journey, steps):
    """S78: a later step that one sign-in was asked for ends only that one, and not another that is not so far."""
    ada = journey(steps)
    first = ada.begin()
    for step in steps[:-1]:
        first = ada.answer(step, first["challenge"]["token"])
    late = first["challenge"]["token"]

    assert ada.answer(steps[-1], late)["tokens"]

    again = ada.convert()
    if again["tokens"] is None:
        assert codes(ada.answer(steps[-1], late)) == ["INVALID_CHALLENGE"]
        assert Session.objects.count() == 1

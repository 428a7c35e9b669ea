"""S77: no journey goes around the second factor, nor around setting one up where it is required."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from graphql import get_named_type

from accounts.conf import EmailVerification, MfaRequired
from accounts.mails.models import Purpose
from accounts.people.models import Account
from accounts.tokens.models import Session
from schema.root import schema
from tests.api import LINK, PASSWORD, REFRESH, REGISTER, GraphQL, codes
from tests.factories import make_account
from tests.login_codes import asking
from tests.mails import link_token, typed_code
from tests.mfa.calls import SIGN_IN, STEP, answer, confirm, create, finish, shown_password
from tests.mfa.enrolled import code_of, with_app
from tests.passwords import mailed as reset
from tests.providers.server import Providers
from tests.verification.calls import ADDRESS, ANSWER, ANSWER_PROFILE, CONVERT

SCHEMA: Any = schema._schema


@dataclass
class Ada:
    """The holder, with a password, a linked identity, and a sign-in that waits for a profile."""

    graphql: GraphQL
    providers: Providers
    settings: Any
    account: Account
    waiting: str
    """The token of a ProfileChallenge of that identity, which was created before the account."""

    def call(self, query: str, **given: Any) -> Any:
        """The payload of a mutation, with the next step."""
        if "MfaChallenge" not in query:
            query = query.replace("errors {", f"{STEP} errors {{", 1)
        [payload] = self.graphql(query, input=given).data.values()
        return payload

    def convert(self, **person: Any) -> Any:
        """The payload of a sign-in through Google."""
        return self.call(CONVERT, provider="google", credential={"accessToken": self.providers.google_token(**person)})


@pytest.fixture
def ada(graphql, providers, settings) -> Ada:
    """Signed up through Google, which did not tell her first name."""

    def waiting() -> str:
        given = {"provider": "google", "credential": {"accessToken": providers.google_token(given_name=None)}}
        return str(graphql(CONVERT, input=given).data["convertSocialToken"]["challenge"]["token"])

    first, second = waiting(), waiting()
    given = {"challengeToken": first, "firstName": "Ada"}
    assert graphql(ANSWER_PROFILE, input=given).data["answerProfileChallenge"]["tokens"]
    account = Account.objects.get()
    assert (account.email, account.email_verified) == (ADDRESS, True)
    account.set_password(PASSWORD)
    account.save()
    assert not Session.objects.exists()
    return Ada(graphql, providers, settings, account, second)


Way = Callable[[Ada], Any]


def with_password(ada: Ada) -> Any:
    """The payload of the password."""
    return shown_password(ada.graphql, ada.account)


def after_a_reset(ada: Ada) -> Any:
    """Who reads the mails chooses a password, which is no second factor."""
    assert reset.reset(ada.graphql, reset.by_link(ada.graphql, ADDRESS))["errors"] == []
    return ada.call(SIGN_IN, email=ADDRESS, password=reset.NEW)


def with_a_mailed_code(ada: Ada) -> Any:
    """Typed."""
    return ada.call(asking.SIGN_IN, credential=asking.mailed(ada.graphql, ADDRESS))


def with_a_mailed_link(ada: Ada) -> Any:
    """Pressed."""
    asking.requested(ada.graphql, ADDRESS)
    return ada.call(asking.SIGN_IN, credential={"linkToken": link_token(ADDRESS, Purpose.SIGN_IN)})


def with_a_provider(ada: Ada) -> Any:
    """Whose word that it asked for a factor is not trusted."""
    return ada.convert()


def with_a_profile(ada: Ada) -> Any:
    """A sign-in that waited for one while the account got a factor."""
    return ada.call(ANSWER_PROFILE, challengeToken=ada.waiting, firstName="Ada")


def with_a_confirmed_address(ada: Ada) -> Any:
    """A sign-in through a provider that waits for it."""
    ada.settings.LATCHKEY = replace(ada.settings.LATCHKEY, email_verification=EmailVerification.MANDATORY)
    Account.objects.update(email_verified=False)
    given = {"provider": "google", "credential": {"accessToken": ada.providers.google_token(email_verified=False)}}
    payload = ada.graphql(CONVERT, input=given).data["convertSocialToken"]
    assert codes(payload) == ["EMAIL_VERIFICATION_REQUIRED"]
    return ada.call(ANSWER, challengeToken=payload["challenge"]["token"], code=typed_code(ADDRESS, Purpose.VERIFY))


WAYS: dict[str, list[Way]] = {
    "tokenAuth": [with_password, after_a_reset],
    "tokenAuthWithCode": [with_a_mailed_code, with_a_mailed_link],
    "convertSocialToken": [with_a_provider],
    "answerProfileChallenge": [with_a_profile],
    "answerEmailVerificationChallenge": [with_a_confirmed_address],
}
"""By mutation, the ways that show a right first factor."""
OTHERS = {
    "register",  # makes an account, which has no factor: see below
    "refreshToken",  # continues a session: see below
    "answerMfaChallenge",  # shows the factor: see test_answering.py
    "answerMfaEnrollmentChallenge",  # sets it up: see test_authenticator_app.py
    "tokenAuthWithPasskey",  # is both factors: see the tests of passkeys
}
ALL_WAYS = [way for ways in WAYS.values() for way in ways]


def types_below(type_: Any, seen: set[str]) -> Iterator[str]:
    """The names of the types that a payload itself is made of; an account is reached by all, and holds no tokens."""
    type_ = get_named_type(type_)
    if type_.name in seen or type_.name == "Account":
        return
    seen.add(type_.name)
    yield type_.name
    for field in getattr(type_, "fields", {}).values():
        yield from types_below(getattr(field, "type", None), seen) if hasattr(field, "type") else ()


def test_every_mutation_that_can_return_tokens_is_tried():
    """One that is added later has to be sorted in here."""
    returning = {
        name for name, field in SCHEMA.mutation_type.fields.items() if "TokenSet" in types_below(field.type, set())
    }

    assert returning - OTHERS == WAYS.keys()


@pytest.mark.parametrize("way", ALL_WAYS)
def test_the_first_factor_alone_gives_no_tokens(ada, way):
    """The challenge that comes instead is answered with the factor."""
    secret = with_app(ada.account)

    payload = way(ada)

    assert codes(payload) == ["MFA_REQUIRED"]
    assert (payload["tokens"], payload["account"], Session.objects.exists()) == (None, None, False)
    assert payload["challenge"]["__typename"] == "MfaChallenge"
    assert answer(ada.graphql, payload["challenge"]["token"], totpCode=code_of(secret))["tokens"]
    assert Session.objects.get().authentication_methods[-1] == "totp"


@pytest.mark.parametrize("way", ALL_WAYS)
def test_where_a_factor_is_required_it_is_set_up_first(ada, way):
    """The tokens come after it."""
    ada.settings.LATCHKEY = replace(ada.settings.LATCHKEY, mfa_required_for=MfaRequired.ALL)

    payload = way(ada)

    assert codes(payload) == ["MFA_ENROLLMENT_REQUIRED"]
    assert (payload["tokens"], payload["account"], Session.objects.exists()) == (None, None, False)
    token = payload["challenge"]["token"]
    confirm(ada.graphql, create(ada.graphql, token=token)["enrollment"])
    assert finish(ada.graphql, token)["tokens"]


def test_a_link_challenge_leads_around_nothing(graphql, providers, sign_in):
    """It is linked in a session; the provider's next sign-in is asked for the factor."""
    account = make_account(email=ADDRESS, email_verified=True)
    bearer = sign_in(account).access_token
    given = {"provider": "google", "credential": {"accessToken": providers.google_token()}}
    challenge = graphql(
        "mutation ($input: ConvertSocialTokenInput!)"
        " { convertSocialToken(input: $input) { tokens { scope } challenge { __typename token } } }",
        input=given,
    ).data["convertSocialToken"]
    assert (challenge["tokens"], challenge["challenge"]["__typename"]) == (None, "LinkChallenge")
    given = {"source": {"challengeToken": challenge["challenge"]["token"]}}
    assert graphql(LINK, token=bearer, input=given).data["linkSocialAccount"]["errors"] == []
    with_app(account)
    before = Session.objects.count()

    given = {"provider": "google", "credential": {"accessToken": providers.google_token()}}
    payload = graphql(CONVERT, input=given).data["convertSocialToken"]

    assert (codes(payload), payload["tokens"]) == (["MFA_REQUIRED"], None)
    assert Session.objects.count() == before


def test_a_challenge_is_no_refresh_token(graphql):
    """`refreshToken` continues sessions, and a sign-in that waits has none."""
    account = make_account(email_verified=True)
    with_app(account)
    token = shown_password(graphql, account)["challenge"]["token"]

    payload = graphql(REFRESH, input={"refreshToken": token}).data["refreshToken"]

    assert (codes(payload), payload["tokens"]) == (["INVALID_GRANT"], None)


@pytest.mark.parametrize("verification", EmailVerification)
def test_registering_the_address_again_leads_around_nothing(ada, verification):
    """Nor does the password that it brings."""
    ada.settings.LATCHKEY = replace(ada.settings.LATCHKEY, email_verification=verification)
    with_app(ada.account)
    given = {"email": ADDRESS, "username": "eve", "firstName": "Eve", "password": "a passphrase of somebody else"}

    payload = ada.graphql(REGISTER, input=given).data["register"]

    assert (payload["tokens"], Session.objects.exists()) == (None, False)
    assert Account.objects.get().check_password(PASSWORD)


def test_staff_confirm_their_address_before_they_set_a_factor_up(graphql, settings):
    """S87: where only staff need a factor, nobody had to confirm an address so far."""
    settings.LATCHKEY = replace(settings.LATCHKEY, mfa_required_for=MfaRequired.STAFF)
    staff, other = make_account(is_staff=True), make_account()

    payload = shown_password(graphql, staff)

    assert codes(payload) == ["EMAIL_VERIFICATION_REQUIRED"]
    assert not Session.objects.exists()
    given = {"challengeToken": payload["challenge"]["token"], "code": typed_code(staff.email, Purpose.VERIFY)}
    waiting = graphql(ANSWER, input=given).data["answerEmailVerificationChallenge"]
    assert (codes(waiting), waiting["tokens"]) == (["MFA_ENROLLMENT_REQUIRED"], None)
    assert shown_password(graphql, other)["tokens"]

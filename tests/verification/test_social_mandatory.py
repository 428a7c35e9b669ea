"""Sign-in through providers where confirmation is mandatory."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from social_django.models import UserSocialAuth

from accounts.challenges.models import Challenge
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.mails.models import MailedCode, Purpose
from accounts.people.models import Account
from accounts.tokens.models import Session
from accounts.verification.models import PendingRegistration
from tests.api import codes
from tests.factories import make_account
from tests.mails import link_token, queued, typed_code
from tests.providers.stored import nothing_changes
from tests.verification import calls
from tests.verification.calls import ADDRESS, NEW

pytestmark = pytest.mark.usefixtures("mandatory")
REQUIRED = ["EMAIL_VERIFICATION_REQUIRED"]


@pytest.fixture
def complete(graphql):
    """The payload of answering a ProfileChallenge."""

    def send(challenge, **given):
        given = {"challengeToken": challenge["token"], **given}
        return graphql(calls.ANSWER_PROFILE, input=given).data["answerProfileChallenge"]

    return send


def code() -> str:
    """The last one mailed to Ada."""
    return typed_code(ADDRESS, Purpose.VERIFY)


def test_an_address_that_the_provider_has_verified_signs_up_at_once(convert):
    """There is nothing to confirm."""
    payload = convert(email_verified=True)

    assert (payload["errors"], payload["isNewAccount"], queued(ADDRESS)) == ([], True, [])


def test_one_that_it_has_not_verified_waits(convert):
    """No account, no identity, no session."""
    payload = convert()

    assert (codes(payload), payload["tokens"]) == (REQUIRED, None)
    assert payload["challenge"]["email"] == ADDRESS
    assert queued(ADDRESS) == ["verify_email"]
    assert not any(model.objects.exists() for model in (Account, UserSocialAuth, Session))


def test_the_code_creates_the_account_with_its_identity(convert, answer):
    """The next sign-in needs no code."""
    payload = answer(convert()["challenge"], code())

    assert (payload["errors"], payload["isNewAccount"]) == ([], True)
    assert Account.objects.get().email_verified and not Account.objects.get().has_usable_password()
    assert Session.objects.get().authentication_methods == ["social", "email_code"]
    assert SecurityEvent.objects.get(type=EventType.REGISTERED).cause == "google-oauth2"
    assert convert()["account"] == payload["account"]


def test_a_taken_address_looks_like_a_new_one(convert):
    """S61: what LINK_REQUIRED would tell, whoever has no right to know; as many statements."""
    make_account(email="taken@example.com")
    found = {}
    for number, email in enumerate(("new00@example.com", "taken@example.com")):
        with CaptureQueriesContext(connection) as statements:
            payload = convert(email=email, sub=f"person{number}")
        sent = [re.match(r"\w+(?: INTO \S+)?", query["sql"])[0] for query in statements]
        found[email] = (re.sub(r"'token': '[^']+'", "", str(payload)).replace(email, ""), sent)

    assert found["new00@example.com"] == found["taken@example.com"]
    assert queued("taken@example.com") == ["already_registered"]


def test_a_typed_address_that_is_taken_looks_like_a_new_one(convert, complete):
    """S61: whoever types it has shown nothing."""
    make_account(email="taken@example.com", email_verified=True)
    found = {}
    for number, email in enumerate(("new00@example.com", "taken@example.com")):
        challenge = convert(email=None, sub=f"person{number}")["challenge"]
        with CaptureQueriesContext(connection) as statements:
            payload = complete(challenge, email=email)
        sent = [re.match(r"\w+(?: INTO \S+)?", query["sql"])[0] for query in statements]
        found[email] = (re.sub(r"'token': '[^']+'", "", str(payload)).replace(email, ""), sent)

    assert found["new00@example.com"] == found["taken@example.com"]
    assert not UserSocialAuth.objects.exists()


def test_a_mistyped_address_can_be_corrected(convert, complete, answer):
    """The profile stays open until the address is confirmed."""
    challenge = convert(email=None)["challenge"]
    first = complete(challenge, email="typo@example.com")
    second = complete(challenge, email=ADDRESS)

    assert [codes(first), codes(second)] == [REQUIRED, REQUIRED]
    assert answer(second["challenge"], code())["account"]["email"] == ADDRESS


def test_other_failures_of_a_profile_are_told(convert, complete):
    """The challenge waits for a right answer; a taken username is no secret."""
    make_account(username="taken")
    challenge = convert(email=None)["challenge"]

    with nothing_changes(Challenge):
        assert codes(complete(challenge, email="no address")) == ["INVALID_INPUT"]
        assert codes(complete(challenge, email=ADDRESS, username="taken")) == ["USERNAME_TAKEN"]


def test_the_holder_of_a_verified_address_is_asked_to_link(convert):
    """As ever: the provider has shown that it is theirs."""
    make_account(email=ADDRESS, email_verified=True)

    assert codes(convert(email_verified=True)) == ["LINK_REQUIRED"]


def test_an_identity_that_found_another_account_meanwhile_starts_over(convert, answer):
    """Two tabs, two addresses: the second finds the identity linked."""
    first, second = convert(email="first@example.com"), convert(email=ADDRESS)
    assert answer(first["challenge"], typed_code("first@example.com", Purpose.VERIFY))["errors"] == []

    with nothing_changes(MailedCode, Challenge):
        assert codes(answer(second["challenge"], code())) == ["INVALID_CHALLENGE"]
    assert not Account.objects.filter(email=ADDRESS).exists()


def test_a_provider_that_was_switched_off_links_nothing(convert, answer, settings):
    """In the meantime."""
    challenge = convert()["challenge"]
    calls.with_settings(settings, providers=())

    with nothing_changes(MailedCode, Challenge):
        assert codes(answer(challenge, code())) == ["INVALID_CHALLENGE"]


def test_the_link_alone_links_no_identity(convert, press):
    """S85: it may be that of an attacker, who named somebody's address."""
    convert()

    assert press(link_token(ADDRESS, Purpose.VERIFY), newPassword=NEW)["errors"] == []
    assert Account.objects.get().check_password(NEW)
    assert not UserSocialAuth.objects.exists()


def test_the_link_with_the_challenge_links_it(convert, press):
    """It was one's own sign-in."""
    challenge = convert()["challenge"]["token"]

    assert press(link_token(ADDRESS, Purpose.VERIFY), challengeToken=challenge)["errors"] == []
    assert UserSocialAuth.objects.get().user == Account.objects.get()
    assert convert()["errors"] == []


@pytest.mark.parametrize("proof", ["a switched-off provider", "another account"])
def test_a_link_whose_identity_cannot_be_linked_creates_nothing(convert, press, settings, answer, proof):
    """With the challenge; without it, a new password still can."""
    challenge = convert()["challenge"]["token"]
    if proof == "another account":
        answer(convert(email="other@example.com")["challenge"], typed_code("other@example.com", Purpose.VERIFY))
    else:
        calls.with_settings(settings, providers=())

    with nothing_changes(Challenge):
        payload = press(link_token(ADDRESS, Purpose.VERIFY), challengeToken=challenge)
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [
        ("INVALID_CHALLENGE", ["link", "challengeToken"])
    ]


class TestAccountsFromBeforeTheSwitch:
    """They have an identity, and an address that nobody has confirmed."""

    @pytest.fixture
    def account(self, db) -> Account:
        """One of them."""
        account = make_account(email=ADDRESS, password=None)
        UserSocialAuth.objects.create(user=account, provider="google-oauth2", uid="ada", id_key="sub")
        return account

    def test_they_confirm_it_at_the_next_sign_in(self, account, convert, answer):
        """By a code, and then never more."""
        waiting = convert(sub="ada")
        assert (codes(waiting), Session.objects.exists()) == (REQUIRED, False)

        payload = answer(waiting["challenge"], code())
        assert (payload["errors"], payload["isNewAccount"]) == ([], False)
        assert Session.objects.get().authentication_methods == ["social", "email_code"]
        account.refresh_from_db()
        assert account.email_verified
        assert convert(sub="ada")["errors"] == []

    def test_the_mails_are_limited(self, account, convert, settings):
        """Each sign-in sends one."""
        calls.limit(settings, "mail.account=1/1h")

        assert [codes(convert(sub="ada")) for _ in range(2)] == [REQUIRED, ["RATE_LIMITED"]]

    def test_a_disabled_one_is_told(self, account, convert, answer):
        """S34: its holder has shown a linked identity, and the mailbox."""
        challenge = convert(sub="ada")["challenge"]
        Account.objects.update(is_active=False)

        assert codes(answer(challenge, code())) == ["ACCOUNT_DISABLED"]
        assert not Session.objects.exists()

    def test_the_challenge_proves_the_link(self, account, convert, press):
        """The sign-in was one's own: the identity stays."""
        challenge = convert(sub="ada")["challenge"]["token"]

        assert press(link_token(ADDRESS, Purpose.VERIFY), challengeToken=challenge)["errors"] == []
        assert UserSocialAuth.objects.get().user == account

    def test_the_link_alone_ends_what_waits(self, account, convert, press, answer):
        """S85: the identity and its challenge go with whoever came first."""
        challenge = convert(sub="ada")["challenge"]

        assert press(link_token(ADDRESS, Purpose.VERIFY), newPassword=NEW)["errors"] == []
        assert not UserSocialAuth.objects.exists()
        assert codes(answer(challenge, code())) == ["INVALID_CHALLENGE"]


def test_a_registration_is_removed_once_it_is_an_account(convert, answer):
    """Its data is the account's now."""
    answer(convert()["challenge"], code())

    assert not PendingRegistration.objects.exists()


@pytest.mark.parametrize("change", ["disabled and opened again", "signed out everywhere"])
def test_what_ends_the_sessions_ends_a_sign_in_that_waits(convert, answer, change):
    """S82: opening the account again does not revive it. The next sign-in works."""
    account = make_account(email=ADDRESS)
    UserSocialAuth.objects.create(user=account, provider="google-oauth2", uid="1", id_key="sub")
    challenge = convert(sub="1")["challenge"]
    if change == "signed out everywhere":
        account.end_sessions()
    else:
        for is_active in (False, True):
            Account.objects.update(is_active=is_active)

    with nothing_changes(MailedCode, Challenge):
        assert codes(answer(challenge, code())) == ["INVALID_CHALLENGE"]
    assert answer(convert(sub="1")["challenge"], code())["errors"] == []

"""EMAIL_VERIFICATION, REGISTRATION_OPEN, and the language of a registration."""

import pytest

from accounts.conf import EmailVerification
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.people.models import Account
from accounts.verification.models import PendingRegistration
from tests.api import codes, refusals
from tests.factories import make_account, make_client
from tests.mails import newest_code, queued, typed_code
from tests.providers.stored import nothing_changes
from tests.verification import calls
from tests.verification.calls import ADDRESS

CLOSED = ["REGISTRATION_CLOSED"]


@pytest.fixture
def closed(settings) -> None:
    """Registration is closed."""
    calls.with_settings(settings, registration_open=False)


def test_optional_signs_in_at_once_and_mails(register):
    """The code is the account's."""
    assert register()["errors"] == []

    code = newest_code(ADDRESS, Purpose.VERIFY)
    assert queued(ADDRESS) == ["verify_email"]
    assert (code.account, code.client.client_id) == (Account.objects.get(), "web")


def test_none_signs_in_at_once_and_mails_nothing(register, convert, settings):
    """Neither by password nor through a provider."""
    calls.with_settings(settings, email_verification=EmailVerification.NONE)

    assert register()["errors"] == convert(email="grace@example.com")["errors"] == []
    assert not Mail.objects.exists() and not MailedCode.objects.exists()


@pytest.mark.parametrize(("verified", "mails"), [(False, ["verify_email"]), (True, [])])
def test_a_sign_up_through_a_provider_mails_if_the_provider_has_not_verified(convert, verified, mails):
    """Optional. The second sign-in mails nothing more."""
    for _ in range(2):
        assert convert(email_verified=verified)["errors"] == []

    assert queued(ADDRESS) == mails


def test_the_mail_opens_the_front_end_of_the_client(register):
    """The client that registered."""
    client, _secret = make_client()
    register(clientId=client.client_id)

    mail = Mail.objects.get()
    assert mail.client == mail.code.client == client


def test_a_registration_that_fails_mails_nothing(register):
    """Under optional, a taken address is told to the caller."""
    make_account(email=ADDRESS)

    with nothing_changes():
        assert codes(register()) == ["EMAIL_TAKEN"]


# The language


@pytest.mark.parametrize(("locale", "stored"), [("pt-br", "pt-BR"), ("DE", "de"), ("", "en"), (None, "en")])
def test_the_language_is_that_of_the_registration(register, locale, stored):
    """Canonical; else that of the request. So are its mails."""
    register(locale=locale)

    assert (Account.objects.get().locale, Mail.objects.get().locale) == (stored, stored)


@pytest.mark.parametrize(("locale", "code"), [("no language", "INVALID_INPUT"), ("x" * 36, "TOO_LONG")])
def test_what_is_no_language_is_refused(register, locale, code):
    """With the other failures."""
    with nothing_changes():
        assert refusals(register(locale=locale, firstName="")) == [("REQUIRED", ["firstName"]), (code, ["locale"])]


def test_a_sign_up_through_a_provider_has_the_language_of_the_request(convert, monkeypatch):
    """The provider's is not asked for."""
    monkeypatch.setattr("accounts.social.sign_up.of_request", lambda: "fr")
    convert()

    assert (Account.objects.get().locale, Mail.objects.get().locale) == ("fr", "fr")


# Registration is closed


@pytest.mark.parametrize("policy", EmailVerification)
def test_nobody_registers_while_it_is_closed(register, settings, closed, policy):
    """Whatever else is wrong, and before any work: nothing is counted or recorded."""
    calls.with_settings(settings, email_verification=policy)
    make_account(email=ADDRESS)

    with nothing_changes():
        assert refusals(register(password="short")) == [(CLOSED[0], None)]
    assert not SecurityEvent.objects.exists()


@pytest.mark.parametrize("policy", EmailVerification)
@pytest.mark.parametrize("person", [{"email_verified": True}, {}, {"email": None}])
def test_nobody_signs_up_through_a_provider_while_it_is_closed(convert, settings, closed, policy, person):
    """Nobody is asked for a profile that would be of no use."""
    calls.with_settings(settings, email_verification=policy)

    with nothing_changes():
        assert codes(convert(**person)) == CLOSED


def test_a_profile_is_no_way_around_it(convert, graphql, settings):
    """Asked for before it was closed."""
    token = convert(email=None)["challenge"]["token"]
    calls.with_settings(settings, registration_open=False)

    given = {"challengeToken": token, "email": ADDRESS}
    assert codes(graphql(calls.ANSWER_PROFILE, input=given).data["answerProfileChallenge"]) == CLOSED
    assert not Account.objects.exists()


def test_those_who_have_an_account_still_sign_in(convert, settings):
    """By their identity; and the holder of an address is asked to link it."""
    assert convert(email_verified=True)["errors"] == []
    calls.with_settings(settings, registration_open=False)

    assert convert(email_verified=True)["errors"] == []
    assert codes(convert(sub="another", email_verified=True)) == ["LINK_REQUIRED"]


def test_a_registration_that_began_before_can_be_finished(register, answer, settings, mandatory):
    """Its holder has been told to expect that."""
    challenge = register()["challenge"]
    calls.with_settings(settings, registration_open=False)

    assert answer(challenge, typed_code(ADDRESS, Purpose.VERIFY))["isNewAccount"]
    assert not PendingRegistration.objects.exists()

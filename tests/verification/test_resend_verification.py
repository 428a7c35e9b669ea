"""`resendVerification`: the mail again, and the same answer for every address."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.conf import EmailVerification
from accounts.guard.events import EventType
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

KINDS = {
    "unverified": "verify_email",
    "verified": "nothing",
    "disabled": "nothing",
    "pending": "verify_email",
    "unknown": "nothing",
}
"""Who has the address, and the mail."""


@pytest.fixture
def somebody(register, settings):
    """Makes the holder of an address."""

    def make(kind: str) -> str:
        email = f"{kind}@example.com"
        if kind == "pending":
            calls.require_confirmation(settings)
            register(email=email, username="pending")
            Mail.objects.all().delete()
        elif kind != "unknown":
            make_account(email=email, email_verified=kind != "unverified", is_active=kind != "disabled")
        return email

    return make


def test_the_answer_and_the_work_are_the_same_for_every_address(graphql, somebody):
    """S2, S61: byte for byte, statement for statement."""
    found = {}
    for kind in KINDS:
        email = somebody(kind)
        with CaptureQueriesContext(connection) as statements:
            answer = graphql(calls.RESEND, input={"email": email})
        sent = [re.match(r"\w+(?: INTO \S+)?", query["sql"])[0] for query in statements]
        found[kind] = (answer.status, answer.body, sent)

    assert [kind for kind in KINDS if found[kind] != found["unknown"]] == []
    assert found["unknown"][1] == {"data": {"resendVerification": {"errors": []}}}


@pytest.mark.parametrize(("kind", "mail"), KINDS.items())
def test_only_those_who_can_confirm_get_a_mail(resend, somebody, kind, mail):
    """And only their code opens something (S8)."""
    email = somebody(kind)

    assert resend(email.upper())["errors"] == []
    assert queued(email) == [mail]
    code = newest_code(email, Purpose.VERIFY)
    assert bool(code.account_id or code.registration_id) == (mail == "verify_email")


def test_nobody_gets_one_where_nothing_is_confirmed(resend, somebody, settings):
    """EMAIL_VERIFICATION=none."""
    email = somebody("unverified")
    calls.with_settings(settings, email_verification=EmailVerification.NONE)

    assert resend(email)["errors"] == []
    assert queued(email) == ["nothing"]


def test_the_older_challenge_works_with_the_newer_code(register, resend, answer, mandatory):
    """The mail was lost, the page is still open. The code ends with the registration."""
    challenge = register()["challenge"]
    resend()

    ends_at = PendingRegistration.objects.get().expires_at
    assert all(abs(code.expires_at - ends_at) < timedelta(seconds=1) for code in MailedCode.objects.all())
    assert answer(challenge, typed_code(ADDRESS, Purpose.VERIFY))["errors"] == []


def test_the_newer_code_counts_its_own_guesses(register, resend, answer, mandatory):
    """The older one was tried too often."""
    challenge = register()["challenge"]
    for _ in range(5):
        answer(challenge, "BCDF-GHJK")
    resend()

    assert answer(challenge, typed_code(ADDRESS, Purpose.VERIFY))["errors"] == []


def test_the_link_opens_the_front_end_of_the_client(resend, somebody):
    """And the mail is in the language of the account."""
    email = somebody("unverified")
    Account.objects.update(locale="fr")
    client, _secret = make_client()
    resend(email, clientId=client.client_id)

    mail = Mail.objects.get()
    assert (mail.client, mail.code.client, mail.locale) == (client, client, "fr")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"email": ""}, ("REQUIRED", ["email"])),
        ({"email": " "}, ("REQUIRED", ["email"])),
        ({"email": "no address"}, ("INVALID_INPUT", ["email"])),
        ({"email": "\0@example.com"}, ("INVALID_INPUT", ["email"])),
        ({"email": f"{'a' * 300}@example.com"}, ("INVALID_INPUT", ["email"])),
        ({"clientId": "nobody"}, ("INVALID_CLIENT", ["clientId"])),
    ],
)
def test_what_is_wrong_is_told(resend, given, refusal):
    """Before anything is counted or stored."""
    with nothing_changes():
        assert refusals(resend(**given)) == [refusal]
    assert not SecurityEvent.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_mails_are_limited_by_address(resend, somebody, settings, kind):
    """S52: the same for known and unknown ones; the refusal is recorded for the holder."""
    email = somebody(kind)
    calls.limit(settings, "mail.account=2/1h" if kind != "pending" else "mail.account=3/1h")

    assert [codes(resend(email)) for _ in range(3)] == [[], [], ["RATE_LIMITED"]]
    event = SecurityEvent.objects.get(type=EventType.MAIL_REFUSED)
    assert event.subject == Account.objects.filter(email=email).values_list("pk", flat=True).first()

"""S1, S2: whoever asks for a code learns nothing about the address."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.conf import latchkey
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.people.models import Account
from tests.api import refusals
from tests.factories import make_account, make_client
from tests.login_codes.asking import EMAIL, REQUEST, SIGN_IN, mailed, requested, signed_in
from tests.mails import link_token, newest_code, queued, typed_code
from tests.providers.stored import nothing_changes
from tests.schema.test_statements import statements

STATES: dict[str, dict[str, Any] | None] = {
    "unknown": None,
    "known": {"email_verified": True},
    "never verified": {},
    "without password": {"email_verified": True, "password": None},
    "disabled": {"email_verified": True, "is_active": False},
    "staff, never verified": {"is_staff": True},
}


@pytest.fixture(params=STATES)
def state(request, db) -> str:
    """An address of each kind."""
    fields = STATES[request.param]
    if fields is not None:
        make_account(email=EMAIL, **fields)
    return str(request.param)


def test_an_account_is_mailed_a_code_and_a_link(graphql):
    """In its language, for the client that asked; both last for MAILED_CODE_LIFETIME."""
    account = make_account(email=EMAIL, locale="de")

    payload = graphql(REQUEST, input={"email": " ADA@Example.com "}).data["requestLoginCode"]

    assert payload["mailedCode"]["expiresIn"] == 1800
    [mail] = Mail.objects.all()
    assert (mail.template, mail.email, mail.locale, mail.account) == ("sign_in", EMAIL, "de", account)
    assert mail.client.client_id == mail.code.client.client_id == "web"
    assert mail.code.expires_at - mail.code.created_at == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("state", "template"),
    [
        ("unknown", "unknown_address"),
        ("never verified", "sign_in"),
        ("without password", "sign_in"),
        ("disabled", "nothing"),
        ("staff, never verified", "nothing"),
    ],
    indirect=["state"],
)
def test_who_gets_which_mail(graphql, state, template):
    """A stranger is offered to sign up; a closed account, and staff whose address nobody proved, get none."""
    requested(graphql)

    assert queued(EMAIL) == [template]
    assert Mail.objects.get().data == ({"asked_for": "sign_in"} if state == "unknown" else {})
    assert (newest_code(EMAIL, Purpose.SIGN_IN).account is not None) == (template == "sign_in")


def test_every_address_gets_the_same_answer(graphql, state):
    """S1: in form; the token is random."""
    answer = graphql(REQUEST, input={"email": EMAIL})

    token = answer.body["data"]["requestLoginCode"]["mailedCode"].pop("token")
    assert answer.body == {"data": {"requestLoginCode": {"mailedCode": {"expiresIn": 1800}, "errors": []}}}
    assert len(token) == 43


def test_every_address_takes_the_same_statements(graphql, state):
    """S2: one row each of a code, a mail and an event."""
    requested(graphql, "warm.up@example.com")

    with statements() as sent:
        requested(graphql)

    assert [" ".join(sql.split()[:3]).replace('"', "") for sql in sent] == [
        "SELECT accounts_client.id AS",
        "SELECT accounts_account.password, accounts_account.last_login,",
        "INSERT INTO accounts_mailedcode",
        "INSERT INTO accounts_mail",
        "INSERT INTO accounts_securityevent",
    ]


def test_the_event_says_why_no_mail_came(graphql, state):
    """For operators, and for the holder."""
    requested(graphql)

    [event] = SecurityEvent.objects.all()
    assert event.type == "account:login:code"
    assert event.subject == Account.objects.values_list("pk", flat=True).first()
    assert event.cause == ("" if queued(EMAIL) == ["sign_in"] else queued(EMAIL)[0])


@pytest.mark.parametrize("state", ["unknown", "disabled", "staff, never verified"], indirect=True)
def test_a_code_that_was_never_mailed_opens_nothing(graphql, state):
    """S8: even for somebody who could compute it, also once the account is open again."""
    credential, link = mailed(graphql), link_token(EMAIL, Purpose.SIGN_IN)
    Account.objects.update(is_active=True, is_staff=False)

    with nothing_changes(MailedCode):
        assert refusals(signed_in(graphql, credential)) == [("EXPIRED_CODE", ["credential", "code", "code"])]
        assert refusals(signed_in(graphql, {"linkToken": link})) == [("EXPIRED_CODE", ["credential", "linkToken"])]


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "REQUIRED"),
        (" \n", "REQUIRED"),
        ("ada", "INVALID_INPUT"),
        ("ada@", "INVALID_INPUT"),
        ("ada\0@example.com", "INVALID_INPUT"),
        ('"ada"@example.com', "INVALID_INPUT"),
        ("ada@example.com\nbcc:eve@example.com", "INVALID_INPUT"),
        (f"{'a' * 250}@example.com", "INVALID_INPUT"),
    ],
)
def test_what_is_no_address_gets_no_mail(graphql, email, code):
    """S62: nor can it carry a header."""
    with nothing_changes():
        payload = graphql(REQUEST, input={"email": email}).data["requestLoginCode"]

    assert refusals(payload) == [(code, ["email"])]
    assert payload["mailedCode"] is None


@pytest.mark.parametrize("fields", [None, {"first_party": False}])
def test_only_a_client_that_signs_people_in_may_ask(graphql, fields):
    """S60: no mail leads to a page of others."""
    make_account(email=EMAIL)
    client_id = make_client(**fields)[0].client_id if fields else "nobody"

    with nothing_changes():
        payload = graphql(REQUEST, input={"email": EMAIL, "clientId": client_id}).data["requestLoginCode"]

    assert refusals(payload) == [("INVALID_CLIENT", ["clientId"])]


@pytest.mark.parametrize("state", ["unknown", "known"], indirect=True)
def test_switched_off_both_are_forbidden(graphql, state, settings):
    """Whatever the address and the credential: nothing is stored, not even a failure."""
    credential = mailed(graphql)
    settings.LATCHKEY = replace(latchkey(), sign_in_by_mail=False)
    SecurityEvent.objects.all().expire()

    with nothing_changes():
        for query, given in ((REQUEST, {"email": EMAIL}), (SIGN_IN, {"credential": credential})):
            answer = graphql(query, input=given)
            assert (answer.codes, answer.body["data"]) == (["FORBIDDEN"], None)
    assert not SecurityEvent.objects.exists()


def test_the_request_alone_tells_no_code(graphql):
    """S71: neither the answer nor any row holds what the mail will say."""
    make_account(email=EMAIL)
    answer = graphql(REQUEST, input={"email": EMAIL})

    code, link = typed_code(EMAIL, Purpose.SIGN_IN), link_token(EMAIL, Purpose.SIGN_IN)
    rows = [*Mail.objects.values(), *MailedCode.objects.values(), *SecurityEvent.objects.values()]
    token = answer.data["requestLoginCode"]["mailedCode"]["token"]
    assert not [text for text in (code, code.replace("-", ""), link, token) if text in str(rows)]
    assert code not in str(answer.body) and link not in str(answer.body)

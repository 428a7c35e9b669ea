"""S88: whoever holds a session and reads the account's mail has proved who they are."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.conf import latchkey, rate_limits
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.people.models import Account
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import Session
from tests.api import ME, SignedIn, codes, refusals
from tests.factories import make_account, make_client
from tests.mails import link_token, typed_code
from tests.providers.stored import nothing_changes
from tests.reauthentication.test_reauthenticate import METHODS, REAUTHENTICATE

REQUEST = "mutation { requestReauthenticationCode { mailedCode { token expiresIn } errors { code retryAfter } } }"
CODE = ["credential", "emailCode", "code"]
CHALLENGE = ["credential", "emailCode", "challengeToken"]


@pytest.fixture
def stale(signed_in, graphql) -> SignedIn:
    """Somebody who signed in a day ago."""
    graphql(ME, token=signed_in.access_token)
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1), authentication_methods=["password"])
    return signed_in  # type: ignore[no-any-return]


@pytest.fixture
def mailed(graphql):
    """Ask for a code and read it: the credential."""

    def ask(holder: SignedIn) -> dict[str, Any]:
        payload = graphql(REQUEST, token=holder.access_token).data["requestReauthenticationCode"]
        assert payload["errors"] == []
        code = typed_code(holder.account.email, Purpose.REAUTHENTICATE)
        return {"emailCode": {"challengeToken": payload["mailedCode"]["token"], "code": code}}

    return ask


@pytest.fixture
def prove(graphql):
    """Send a credential: the payload."""

    def send(token: str, credential: dict[str, Any]) -> Any:
        return graphql(REAUTHENTICATE, token=token, input={"credential": credential}).data["reauthenticate"]

    return send


def events() -> list[str]:
    """What was recorded, but the sign-in."""
    found = SecurityEvent.objects.exclude(type="account:login:success").order_by("type")
    return list(found.values_list("type", flat=True))


def test_the_code_goes_to_the_address_of_the_account(graphql, stale, mailed):
    """In its language; there is no link, which would work without the session."""
    Account.objects.update(locale="fr")

    payload = graphql(REQUEST, token=stale.access_token).data["requestReauthenticationCode"]

    assert payload["mailedCode"]["expiresIn"] == 1800
    [mail] = Mail.objects.all()
    assert (mail.template, mail.email, mail.locale) == ("reauthenticate", stale.account.email, "fr")
    assert (mail.account, mail.code.account) == (stale.account, stale.account)
    assert events() == ["account:reauthenticate:code"]


def test_the_code_proves_it(stale, mailed, prove):
    """For as long as a password does."""
    assert prove(stale.access_token, mailed(stale)) == {"expiresIn": 600, "errors": []}

    session = Session.objects.get()
    assert session.authentication_methods == ["password", "email_code"]
    assert timezone.now() - session.authenticated_at < timedelta(minutes=1)


def test_it_verifies_the_address(stale, mailed, prove):
    """Session and mailbox are one person's; nothing of the account ends (S85)."""
    assert prove(stale.access_token, mailed(stale))["errors"] == []

    account = Account.objects.get()
    assert account.email_verified and account.has_usable_password()
    assert events() == [
        "account:email:verify",
        "account:reauthenticate:code",
        "account:reauthenticate:success",
    ]


def test_a_verified_address_is_not_verified_again(stale, mailed, prove):
    """Nor recorded."""
    Account.objects.update(email_verified=True)

    assert prove(stale.access_token, mailed(stale))["errors"] == []
    assert "account:email:verify" not in events()


def test_it_works_once(stale, mailed, prove):
    """S8: and so do the others that were asked for."""
    first, second = mailed(stale), mailed(stale)
    assert prove(stale.access_token, first)["errors"] == []

    with nothing_changes(MailedCode):
        for used in (first, second):
            assert refusals(prove(stale.access_token, used)) == [("EXPIRED_CODE", CODE)]


def test_it_works_for_half_an_hour(stale, mailed, prove, sign_in):
    """S8."""
    credential = mailed(stale)

    with time_machine.travel(timezone.now() + timedelta(minutes=30, seconds=1)):
        token = sign_in(stale.account).access_token
        assert refusals(prove(token, credential)) == [("EXPIRED_CODE", CODE)]


def test_a_wrong_code_proves_nothing(stale, mailed, prove):
    """And is recorded for the holder."""
    credential = mailed(stale)
    credential["emailCode"]["code"] = "BBBB-BBBB"

    with nothing_changes(MailedCode):
        assert refusals(prove(stale.access_token, credential)) == [("INVALID_CODE", CODE)]
    assert "account:reauthenticate:failure" in events()


@pytest.mark.parametrize("whose", ["nobody", "another account", "another client", "to sign in"])
def test_a_code_of_others_proves_nothing(graphql, stale, mailed, prove, sign_in, whose):
    """S63, S70: it belongs to the account and the client that asked, and to its purpose."""
    credential = mailed(stale)
    if whose == "nobody":
        credential["emailCode"]["challengeToken"] = "made-up"
    elif whose == "another account":
        credential = mailed(sign_in(make_account()))
    elif whose == "another client":
        credential = mailed(sign_in(stale.account, clientId=make_client()[0].client_id))
    else:
        MailedCode.objects.update(purpose=Purpose.SIGN_IN)

    with nothing_changes():
        assert refusals(prove(stale.access_token, credential)) == [("INVALID_CHALLENGE", CHALLENGE)]


def test_it_does_not_sign_in(graphql, stale, mailed):
    """S8: a code to confirm opens no session; and it has no link that could."""
    credential = mailed(stale)["emailCode"]
    query = "mutation ($i: TokenAuthWithCodeInput!) { tokenAuthWithCode(input: $i) { errors { code } } }"
    link = link_token(stale.account.email, Purpose.REAUTHENTICATE)

    with nothing_changes():
        for given, expected in (({"code": credential}, "INVALID_CHALLENGE"), ({"linkToken": link}, "INVALID_CODE")):
            payload = graphql(query, i={"credential": given}).data["tokenAuthWithCode"]
            assert codes(payload) == [expected]


def test_a_code_to_another_address_proves_nothing(stale, mailed, prove):
    """S12: the account has changed hands of its mailbox meanwhile."""
    credential = mailed(stale)
    Account.objects.update(email="new@example.com")

    with nothing_changes(MailedCode):
        assert refusals(prove(stale.access_token, credential)) == [("EXPIRED_CODE", CODE)]


@pytest.mark.parametrize("end", ["session", "account"])
def test_who_is_signed_out_neither_asks_nor_proves(graphql, stale, mailed, end):
    """401, and no mail."""
    credential = mailed(stale)
    if end == "session":
        bearer_tokens.end_session(Session.objects.get())
    else:
        Account.objects.update(is_active=False)

    with nothing_changes():
        given = {"credential": credential}
        assert graphql(REQUEST, token=stale.access_token).codes == ["UNAUTHENTICATED"]
        assert graphql(REAUTHENTICATE, token=stale.access_token, input=given).codes == ["UNAUTHENTICATED"]
        assert graphql(REQUEST).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("password", ["!", None])
def test_every_account_can_be_mailed(graphql, stale, password):
    """Its only way, if it was made through a provider that is gone."""
    if password:
        Account._base_manager.update(password=password)

    methods = graphql(METHODS, token=stale.access_token).data["me"]["reauthenticationMethods"]

    assert methods == (["EMAIL_CODE"] if password else ["PASSWORD", "EMAIL_CODE"])


def test_signing_in_by_mail_need_not_be_on(stale, mailed, prove, settings):
    """The setting is about those who are signed out."""
    settings.LATCHKEY = replace(latchkey(), sign_in_by_mail=False)

    assert prove(stale.access_token, mailed(stale))["errors"] == []


def test_mails_to_one_account_are_limited(graphql, stale, settings):
    """S52: a stolen session cannot fill the inbox."""
    settings.LATCHKEY = replace(latchkey(), rate_limits=rate_limits("mail.account=2/1h,mail.account_address=off"))

    answers = [graphql(REQUEST, token=stale.access_token).data["requestReauthenticationCode"] for _ in range(3)]

    assert [codes(payload) for payload in answers] == [[], [], ["RATE_LIMITED"]]
    assert answers[2]["errors"][0]["retryAfter"] > 0 and answers[2]["mailedCode"] is None
    assert Mail.objects.count() == 2
    assert "account:mail:failure" in events()


def test_guesses_are_limited_with_those_at_the_password(stale, mailed, prove, settings):
    """S52: one count for all that a session tries."""
    rates = rate_limits("reauthenticate.account=3/1h,reauthenticate.account_address=off")
    settings.LATCHKEY = replace(latchkey(), rate_limits=rates)
    credential = mailed(stale)
    for _ in range(3):
        prove(stale.access_token, {"password": "wrong"})

    with nothing_changes():
        assert codes(prove(stale.access_token, credential)) == ["RATE_LIMITED"]

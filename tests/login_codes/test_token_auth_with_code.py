"""S8, S63, S70: a mailed code or link signs in once, soon, and with the client that asked."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.conf import EmailVerification, latchkey
from accounts.guard.models import SecurityEvent
from accounts.mails.models import MailedCode, Purpose
from accounts.people.models import Account
from accounts.tokens.models import Client, Session
from tests.api import CONVERT, ME, PASSWORD, REFRESH, TOKEN_AUTH, codes, refusals
from tests.factories import make_account, make_client
from tests.login_codes.asking import EMAIL, SIGN_IN, by_code, mailed, requested, signed_in
from tests.mails import link_token, newest_code, typed_code
from tests.providers.stored import nothing_changes

CHALLENGE, CODE, LINK = (
    ["credential", "code", "challengeToken"],
    ["credential", "code", "code"],
    ["credential", "linkToken"],
)


@pytest.fixture
def ada(db) -> Account:
    """Somebody with a verified address."""
    return make_account(email=EMAIL, email_verified=True)


@pytest.fixture(params=["code", "link"])
def credential(request, graphql, ada):
    """What a mail holds."""
    typed = mailed(graphql)
    return typed if request.param == "code" else {"linkToken": link_token(EMAIL, Purpose.SIGN_IN)}


def events() -> list[tuple[str, str]]:
    """The types and causes of what was recorded since the mail was asked for."""
    found = SecurityEvent.objects.exclude(type="account:login:code").order_by("created_at", "id")
    return list(found.values_list("type", "cause"))


def test_it_signs_in(graphql, ada, credential):
    """With the same tokens as a password; the session says with what."""
    payload = signed_in(graphql, credential)

    assert payload["errors"] == []
    assert payload["account"]["email"] == EMAIL
    assert payload["isNewAccount"] is False
    assert graphql(ME, token=payload["tokens"]["accessToken"]).data["me"]["email"] == EMAIL
    assert Session.objects.get().authentication_methods == ["email_code"]
    assert events() == [("account:login:success", "")]


def test_it_works_once(graphql, ada, credential):
    """S8: neither does the other half of the same mail."""
    other = mailed(graphql)
    assert signed_in(graphql, credential)["errors"] == []

    with nothing_changes(MailedCode):
        for again in (credential, other, {"linkToken": link_token(EMAIL, Purpose.SIGN_IN)}):
            assert codes(signed_in(graphql, again)) == ["EXPIRED_CODE"]


def test_it_works_for_half_an_hour(graphql, ada):
    """S8: a right one that comes later is told from a wrong one."""
    token = requested(graphql)
    code, link = typed_code(EMAIL, Purpose.SIGN_IN), link_token(EMAIL, Purpose.SIGN_IN)

    with time_machine.travel(timezone.now() + timedelta(minutes=30, seconds=1)), nothing_changes(MailedCode):
        assert refusals(signed_in(graphql, by_code(token, code))) == [("EXPIRED_CODE", CODE)]
        assert refusals(signed_in(graphql, by_code(token, "BBBB-BBBB"))) == [("INVALID_CODE", CODE)]
        assert refusals(signed_in(graphql, {"linkToken": link})) == [("EXPIRED_CODE", LINK)]


@pytest.mark.parametrize("form", [str.lower, str.strip, lambda code: f" {code[:2]} {code[2:]}\n"])
def test_a_code_is_read_as_people_type(graphql, ada, form):
    """In any case, with or without spaces and dash."""
    token = requested(graphql)

    assert signed_in(graphql, by_code(token, form(typed_code(EMAIL, Purpose.SIGN_IN))))["errors"] == []


@pytest.mark.parametrize("code", ["BBBB-BBBB", "", "\0", "ÄÖÜ", "B" * 100_000])
def test_a_wrong_code_opens_nothing(graphql, ada, code):
    """And leaves the right one its other attempts."""
    token = requested(graphql)

    with nothing_changes(MailedCode):
        assert refusals(signed_in(graphql, by_code(token, code))) == [("INVALID_CODE", CODE)]
    assert events() == [("account:login:failure", "INVALID_CODE")]
    assert signed_in(graphql, by_code(token, typed_code(EMAIL, Purpose.SIGN_IN)))["errors"] == []


@pytest.mark.parametrize("token", ["made-up-token-of-nobody", "", "\0", "a" * 100_000])
def test_a_code_needs_the_token_of_its_request(graphql, ada, token):
    """S63: whoever only overheard the code has nothing."""
    right = mailed(graphql)["code"]["code"]

    with nothing_changes():
        assert refusals(signed_in(graphql, by_code(token, right))) == [("INVALID_CHALLENGE", CHALLENGE)]


@pytest.mark.parametrize("token", ["made-up", "", "ä", "\0", "A" * 64, "A" * 100_000])
def test_a_made_up_link_opens_nothing(graphql, ada, token):
    """S14: it cannot be guessed."""
    requested(graphql)

    with nothing_changes():
        assert refusals(signed_in(graphql, {"linkToken": token})) == [("INVALID_CODE", LINK)]


def test_a_link_of_another_purpose_opens_nothing(graphql, ada):
    """S8: each mail allows one thing."""
    requested(graphql)
    MailedCode.objects.update(purpose=Purpose.RESET)
    link = link_token(EMAIL, Purpose.RESET)

    with nothing_changes():
        assert refusals(signed_in(graphql, {"linkToken": link})) == [("INVALID_CODE", LINK)]


@pytest.mark.parametrize("half", ["code", "link"])
def test_another_client_cannot_use_it(graphql, ada, half):
    """S63, S70: and nothing is spent by it."""
    typed, link = mailed(graphql), {"linkToken": link_token(EMAIL, Purpose.SIGN_IN)}
    credential = typed if half == "code" else link
    other, _secret = make_client()

    with nothing_changes():
        payload = signed_in(graphql, credential, clientId=other.client_id)
    assert refusals(payload) == [("INVALID_CHALLENGE", CHALLENGE) if half == "code" else ("INVALID_CODE", LINK)]
    assert signed_in(graphql, credential)["errors"] == []


def test_a_confidential_client_shows_its_secret(graphql, ada):
    """S66: as at every sign-in."""
    client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL)
    credential = mailed(graphql, clientId=client.client_id)

    with nothing_changes():
        for wrong in ({}, {"clientSecret": "wrong"}):
            payload = signed_in(graphql, credential, clientId=client.client_id, **wrong)
            assert codes(payload) == ["INVALID_CLIENT"]
    payload = signed_in(graphql, credential, clientId=client.client_id, clientSecret=secret)
    assert payload["errors"] == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"scope": "account nonsense"}, ("INVALID_SCOPE", ["scope"])),
        ({"refreshTokenTransport": "COOKIE"}, ("TRANSPORT_NOT_ALLOWED", ["refreshTokenTransport"])),
    ],
)
def test_what_the_client_may_not_have_spends_nothing(graphql, ada, given, expected):
    """It is refused first."""
    credential = mailed(graphql)

    with nothing_changes():
        assert refusals(signed_in(graphql, credential, **given)) == [expected]
    assert signed_in(graphql, credential)["errors"] == []


@pytest.mark.parametrize("given", [{}, {"linkToken": None}, {"linkToken": "x", **by_code("x", "x")}])
def test_exactly_one_credential_is_sent(graphql, ada, given):
    """@oneOf."""
    assert graphql(SIGN_IN, input={"credential": given}).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"email": "grace@example.com"},
        {"email_verified": False, "is_staff": True},
        {"password": "!"},
    ],
)
def test_an_account_that_changed_meanwhile_is_not_opened(graphql, ada, credential, change):
    """S13, S82: closed, with another mailbox, with privileges that nobody proved, or with all its sessions ended."""
    Account.objects.update(**change)

    with nothing_changes(MailedCode):
        assert codes(signed_in(graphql, credential)) == ["EXPIRED_CODE"]
    assert not Session.objects.exists()


def test_an_account_that_was_shut_and_opened_needs_a_new_mail(graphql, ada, credential):
    """S82: opening it again revives nothing."""
    Account.objects.update(is_active=False)
    Account.objects.update(is_active=True)

    with nothing_changes(MailedCode):
        assert codes(signed_in(graphql, credential)) == ["EXPIRED_CODE"]


def test_a_deleted_account_leaves_nothing_to_open(graphql, ada, credential):
    """Its codes go with it."""
    ada.delete()

    assert codes(signed_in(graphql, credential)) in (["INVALID_CHALLENGE"], ["EXPIRED_CODE"])
    assert not Session.objects.exists()


def test_a_stale_bearer_does_not_disturb(graphql, ada, credential):
    """S23: @anonymous."""
    answer = graphql(SIGN_IN, token="stale", input={"credential": credential})

    assert answer.data["tokenAuthWithCode"]["errors"] == []
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/sign-in-link", "/graphql"])
def test_opening_a_link_spends_nothing(graphql, client, ada, path):
    """S72: scanners open pages, with the token in whatever place; the press that sends the mutation signs in."""
    requested(graphql)
    link = link_token(EMAIL, Purpose.SIGN_IN)
    variables = json.dumps({"input": {"credential": {"linkToken": link}}})

    with nothing_changes():
        opened = client.get(path, {"token": link, "query": SIGN_IN, "variables": variables})
    assert opened.status_code in {200, 404, 405}
    assert signed_in(graphql, {"linkToken": link})["errors"] == []


# A never-verified account


@pytest.fixture
def squatted(sign_in, providers) -> dict[str, str]:
    """Somebody registered the address without having it, is signed in, and has linked an identity."""
    account = make_account(email=EMAIL)
    UserSocialAuth.objects.create(user=account, provider="google-oauth2", uid="110169484474386276334", id_key="sub")
    theirs = sign_in(account)
    return {"access": theirs.access_token, "refresh": theirs.refresh_token}


@pytest.mark.parametrize("half", ["code", "link"])
def test_the_holder_of_the_mailbox_gets_a_never_verified_account_for_themselves(graphql, squatted, providers, half):
    """S9, S85, S87: the password, the session and the identity of whoever came first are dead."""
    typed, link = mailed(graphql), {"linkToken": link_token(EMAIL, Purpose.SIGN_IN)}

    payload = signed_in(graphql, typed if half == "code" else link)

    assert payload["errors"] == []
    account = Account.objects.get()
    assert account.email_verified and not account.has_usable_password()
    assert not UserSocialAuth.objects.exists()
    assert graphql(ME, token=squatted["access"]).status == 401
    assert codes(graphql(REFRESH, input={"refreshToken": squatted["refresh"]}).data["refreshToken"]) == [
        "INVALID_GRANT"
    ]
    given = {"email": EMAIL, "password": PASSWORD}
    assert codes(graphql(TOKEN_AUTH, input=given).data["tokenAuth"]) == ["INVALID_CREDENTIALS"]
    assert graphql(ME, token=payload["tokens"]["accessToken"]).data["me"]["email"] == EMAIL
    recorded = {type_ for type_, _cause in events()}
    assert {"account:password:change", "account:displace", "account:login:success"} <= recorded


def test_their_other_mails_are_dead_too(graphql, squatted):
    """S9: what they had asked for before."""
    earlier = mailed(graphql)
    MailedCode.objects.update(purpose=Purpose.VERIFY)
    assert signed_in(graphql, mailed(graphql))["errors"] == []

    assert MailedCode.objects.get(purpose=Purpose.VERIFY).used_at is not None
    assert codes(signed_in(graphql, earlier)) == ["INVALID_CHALLENGE"]


def test_a_verified_account_keeps_what_it_has(graphql, ada, sign_in, credential):
    """Password and sessions go on."""
    before = sign_in(ada)

    assert signed_in(graphql, credential)["errors"] == []
    assert graphql(ME, token=before.access_token).status == 200
    assert Account.objects.get().has_usable_password()


def test_where_confirmation_is_mandatory_the_mail_confirms(graphql, settings):
    """Whoever signs in by mail needs no other step."""
    settings.LATCHKEY = replace(latchkey(), email_verification=EmailVerification.MANDATORY)
    make_account(email=EMAIL)

    assert signed_in(graphql, mailed(graphql))["errors"] == []
    assert Account.objects.get().email_verified


# Other ways to sign in


def test_an_account_is_told_that_it_can_sign_in_by_mail(graphql, ada, providers, settings):
    """By the challenge to link; only while it is switched on."""
    given = {"provider": "google", "credential": {"accessToken": providers.google_token(email=EMAIL)}}

    def methods() -> list[str]:
        return graphql(CONVERT, input=given).data["convertSocialToken"]["challenge"]["signInMethods"]

    assert methods() == ["PASSWORD", "EMAIL_CODE"]
    settings.LATCHKEY = replace(latchkey(), sign_in_by_mail=False)
    assert methods() == ["PASSWORD"]


def test_mail_is_no_reason_to_give_up_the_last_identity(graphql, ada, providers, sign_in):
    """S38: the operator may switch it off."""
    token = sign_in(ada).access_token
    UserSocialAuth.objects.create(user=ada, provider="google-oauth2", uid="7", id_key="sub")
    Account._base_manager.update(password="!")
    [linked] = graphql("{ me { socialAccounts { id } } }", token=token).data["me"]["socialAccounts"]
    unlink = "mutation ($i: UnlinkSocialAccountInput!) { unlinkSocialAccount(input: $i) { errors { code } } }"

    with nothing_changes():
        payload = graphql(unlink, token=token, i={"id": linked["id"]}).data["unlinkSocialAccount"]
    assert codes(payload) == ["LAST_SIGN_IN_METHOD"]


def test_the_newest_mail_does_not_void_the_one_before(graphql, ada):
    """Whoever asks twice may get the first one last; using one uses up both."""
    first = requested(graphql)
    code = typed_code(EMAIL, Purpose.SIGN_IN)
    requested(graphql)

    assert signed_in(graphql, by_code(first, code))["errors"] == []
    assert newest_code(EMAIL, Purpose.SIGN_IN).used_at is not None

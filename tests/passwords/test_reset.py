"""`requestPasswordReset` and `resetPassword` (S11): alike for every address, once, and nothing lives on."""

import re
import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from social_django.models import UserSocialAuth

from accounts.challenges.models import Challenge
from accounts.conf import rate_limits
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.mails import codes
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.passwords import reset as journey
from accounts.people.models import Account
from accounts.tokens.models import Client, Session
from tests.api import CONVERT, ME, PASSWORD, TOKEN_AUTH, refusals
from tests.api import codes as codes_of
from tests.factories import make_account, make_client
from tests.mails import link_token, newest_code, queued, typed_code
from tests.passwords.mailed import NEW, REQUEST_RESET, RESET, by_code, by_link, request_reset, reset
from tests.providers.stored import everything, nothing_changes

NOBODY = "nobody@example.com"
WAYS = pytest.mark.parametrize("way", [by_code, by_link])


@pytest.fixture
def ada(db) -> Account:
    """Somebody whose address is verified."""
    return make_account(email="ada@example.com", email_verified=True)


def opens(graphql, password: str, email: str = "ada@example.com") -> bool:
    """Whether the password signs in."""
    return not graphql(TOKEN_AUTH, input={"email": email, "password": password}).data["tokenAuth"]["errors"]


def recorded(type_: EventType) -> list[tuple[object, str]]:
    """The accounts and causes of events."""
    return list(SecurityEvent.objects.filter(type=type_).values_list("subject", "cause"))


def test_a_known_address_gets_a_link_and_a_code(graphql, ada):
    """For half an hour, in the language of the account, for the front end of the client that asks."""
    Account.objects.update(locale="de")
    app, _secret = make_client()

    payload = request_reset(graphql, " ADA@example.com", clientId=app.client_id)

    assert payload["errors"] == []
    assert payload["mailedCode"]["expiresIn"] == 30 * 60
    mail = Mail.objects.get()
    assert (mail.template, mail.email, mail.locale, mail.client_id) == ("reset_password", ada.email, "de", app.pk)
    assert (mail.account_id, mail.code, mail.data) == (ada.pk, newest_code(ada.email, Purpose.RESET), {})
    assert recorded(EventType.RESET_REQUESTED) == [(ada.pk, "")]


def test_an_unknown_address_is_told_so_by_mail(graphql, db):
    """In the language of the request. Its code opens nothing."""
    with translation.override("fr"):
        payload = request_reset(graphql, NOBODY)

    mail = Mail.objects.get()
    assert (mail.template, mail.email, mail.account, mail.data) == (
        "unknown_address", NOBODY, None, {"asked_for": "reset"},
    )  # fmt: skip
    given = {"challengeToken": payload["mailedCode"]["token"], "code": typed_code(NOBODY, Purpose.RESET)}
    with nothing_changes(MailedCode):
        assert codes_of(reset(graphql, {"code": given})) == ["EXPIRED_CODE"]
        assert codes_of(reset(graphql, {"linkToken": link_token(NOBODY, Purpose.RESET)})) == ["EXPIRED_CODE"]


def test_a_disabled_account_gets_no_mail(graphql, ada):
    """Nor a code that would work once it is enabled."""
    Account.objects.update(is_active=False)
    request_reset(graphql, ada.email)
    Account.objects.update(is_active=True)

    assert queued(ada.email) == ["nothing"]
    assert codes_of(reset(graphql, {"linkToken": link_token(ada.email, Purpose.RESET)})) == ["EXPIRED_CODE"]


def shape(graphql, email: str) -> tuple[list[str], dict[str, int]]:
    """The statements of a request, and how many rows of which tables it writes."""
    before = {label: len(rows) for label, rows in everything().items()}
    with CaptureQueriesContext(connection) as captured:
        payload = request_reset(graphql, email)
    assert payload["errors"] == []
    assert len(payload["mailedCode"]["token"]) == 43
    after = {label: len(rows) - before[label] for label, rows in everything().items()}
    return [re.split(r" VALUES | WHERE |SAVEPOINT ", query["sql"])[0] for query in captured], after


def test_every_address_costs_the_same(graphql, ada):
    """S2, S11: the same statements, the same rows and an answer of the same form."""
    disabled = make_account(is_active=False)
    social = make_account(password=None)

    shapes = [shape(graphql, email) for email in (ada.email, NOBODY, disabled.email, social.email)]

    assert shapes == [shapes[0]] * 4


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "REQUIRED"), ("  ", "REQUIRED"), ("ada", "INVALID_INPUT"), ("ada@example.com\0", "INVALID_INPUT"),
        (f"{'a' * 250}@example.com", "INVALID_INPUT"), ('"a b"@example.com', "INVALID_INPUT"),
    ],
)  # fmt: skip
def test_what_is_no_address_gets_no_mail(graphql, ada, email, code):
    """And uses up no attempt."""
    with nothing_changes():
        assert refusals(request_reset(graphql, email)) == [(code, ["email"])]
    assert recorded(EventType.MAIL_REFUSED) == []


@pytest.mark.parametrize("client_id", ["unknown", "third"])
def test_only_our_own_clients_ask(graphql, ada, client_id):
    """S60: a third party's page must not be the one that the mail opens."""
    make_client(client_id="third", first_party=False)

    with nothing_changes():
        assert refusals(request_reset(graphql, ada.email, clientId=client_id)) == [("INVALID_CLIENT", ["clientId"])]


@pytest.mark.parametrize("email", ["ada@example.com", NOBODY])
def test_requests_are_limited_for_each_address(graphql, ada, settings, email):
    """S56: nobody floods an inbox; a known address is refused as an unknown one is, and the refusal is recorded."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("mail.account=2/1h"))

    answers = [codes_of(request_reset(graphql, email)) for _ in range(3)]

    assert answers == [[], [], ["RATE_LIMITED"]]
    assert len(queued(email)) == 2
    assert [cause for _subject, cause in recorded(EventType.MAIL_REFUSED)] == ["RATE_LIMITED"]


@WAYS
def test_the_new_password_replaces_the_old_one(graphql, ada, way):
    """S11: and its holder is told."""
    payload = reset(graphql, way(graphql, ada.email))

    assert payload == {"errors": []}
    assert opens(graphql, NEW)
    assert not opens(graphql, PASSWORD)
    assert recorded(EventType.RESET) == recorded(EventType.PASSWORD_CHANGED) == [(ada.pk, "")]
    assert queued(ada.email)[:2] == ["reset_password", "password_changed"]


def test_it_ends_all_sessions_and_begins_none(graphql, ada, sign_in):
    """S11: whoever is signed in signs in again."""
    sessions = [sign_in(ada) for _ in range(2)]

    reset(graphql, by_code(graphql, ada.email))

    assert not Session.objects.exists()
    assert [graphql(ME, token=session.access_token).status for session in sessions] == [401, 401]


@WAYS
def test_a_code_works_once(graphql, ada, way):
    """S8: with the code, the link is used up too."""
    credential = way(graphql, ada.email)
    other = {"linkToken": link_token(ada.email, Purpose.RESET)}
    reset(graphql, credential)

    for again in (credential, other):
        with nothing_changes(MailedCode):
            assert codes_of(reset(graphql, again, "another passphrase of a thief")) == ["EXPIRED_CODE"]
    assert set(recorded(EventType.RESET_FAILED)) >= {(None, "EXPIRED_CODE")}


def test_two_at_once_reset_once(graphql, ada, monkeypatch):
    """S8: the second finds the code used up when it comes to store its password."""
    credential, hashed = by_link(graphql, ada.email), journey.make_password

    def reset_meanwhile(password: str) -> str:
        monkeypatch.setattr(journey, "make_password", hashed)
        assert reset(graphql, credential)["errors"] == []
        return hashed(password)

    monkeypatch.setattr(journey, "make_password", reset_meanwhile)

    payload = reset(graphql, credential, "another passphrase of a thief")

    assert refusals(payload) == [("EXPIRED_CODE", ["credential", "linkToken"])]
    assert opens(graphql, NEW)
    assert recorded(EventType.RESET_FAILED) == [(ada.pk, "EXPIRED_CODE")]


@WAYS
def test_a_code_is_short_lived(graphql, ada, way):
    """S8: half an hour."""
    credential = way(graphql, ada.email)

    with time_machine.travel(timezone.now() + timedelta(minutes=31)), nothing_changes(MailedCode):
        assert codes_of(reset(graphql, credential)) == ["EXPIRED_CODE"]


@pytest.mark.parametrize(
    ("credential", "field"),
    [
        ({"linkToken": "made-up"}, ["credential", "linkToken"]),
        ({"linkToken": "A" * 64}, ["credential", "linkToken"]),
        ({"linkToken": "\0é"}, ["credential", "linkToken"]),
        ({"linkToken": ""}, ["credential", "linkToken"]),
        ({"code": {"challengeToken": "made-up", "code": "BCDF-GHJK"}}, ["credential", "code", "challengeToken"]),
    ],
)
def test_what_was_never_mailed_is_wrong(graphql, ada, credential, field):
    """S11: recorded on no account."""
    with nothing_changes():
        assert refusals(reset(graphql, credential)) == [("INVALID_CODE", field)]
    assert recorded(EventType.RESET_FAILED) == [(None, "INVALID_CODE")]


@pytest.mark.parametrize("email", ["ada@example.com", NOBODY])
def test_a_wrong_code_is_wrong_alike(graphql, ada, email):
    """S11: of a known and of an unknown address, by the answer and the statements."""
    credential = by_code(graphql, email)
    credential["code"]["code"] = "BBBB-BBBB"

    with CaptureQueriesContext(connection) as captured:
        payload = reset(graphql, credential)

    assert refusals(payload) == [("INVALID_CODE", ["credential", "code", "code"])]
    words = [query["sql"].split()[0] for query in captured]
    assert [word for word in words if word not in {"SAVEPOINT", "RELEASE", "BEGIN"}] == [
        "SELECT", "UPDATE", "SELECT", "INSERT", "UPDATE",
    ]  # fmt: skip
    assert opens(graphql, PASSWORD)


def test_a_code_bears_five_guesses(graphql, ada, settings):
    """S71: then not even the right one counts."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("code.account=off,code.account_address=off"))
    credential = by_code(graphql, ada.email)
    wrong = {"code": {**credential["code"], "code": "BBBB-BBBB"}}

    assert [codes_of(reset(graphql, wrong)) for _ in range(5)] == [["INVALID_CODE"]] * 5
    assert codes_of(reset(graphql, credential)) == ["EXPIRED_CODE"]
    assert opens(graphql, PASSWORD)
    assert set(recorded(EventType.RESET_FAILED)) == {(ada.pk, "INVALID_CODE"), (None, "EXPIRED_CODE")}


def test_a_dead_code_uses_up_no_attempts(graphql, ada, settings):
    """S53: who asks for one code could stop the holder's reset with it."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("code.account=6/1h"))
    wrong = by_code(graphql, ada.email)
    wrong["code"]["code"] = "BBBB-BBBB"
    for _ in range(20):
        reset(graphql, wrong)

    assert reset(graphql, by_code(graphql, ada.email))["errors"] == []


def test_guesses_are_limited_for_each_account(graphql, ada, settings):
    """S52: however many codes are asked for."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("code.account=3/1h"))
    answers = []
    for _ in range(4):
        credential = by_code(graphql, ada.email)
        answers += codes_of(reset(graphql, {"code": {**credential["code"], "code": "BBBB-BBBB"}}))

    assert answers == ["INVALID_CODE"] * 3 + ["RATE_LIMITED"]
    assert codes_of(reset(graphql, credential)) == ["RATE_LIMITED"]
    assert opens(graphql, PASSWORD)


def test_a_code_needs_the_token_of_its_request(graphql, ada):
    """S63: whoever sees the code on a screen cannot use it with a request of their own."""
    seen = by_code(graphql, ada.email)["code"]["code"]
    own = request_reset(graphql, ada.email)["mailedCode"]["token"]

    assert codes_of(reset(graphql, {"code": {"challengeToken": own, "code": seen}})) == ["INVALID_CODE"]
    assert opens(graphql, PASSWORD)


@pytest.mark.parametrize("purpose", [p for p in Purpose if p != Purpose.RESET])
def test_a_code_for_something_else_resets_nothing(graphql, ada, purpose):
    """S8: a link counts for its purpose only."""
    code = codes.create(purpose, email=ada.email, account=ada, lifetime=600)

    with nothing_changes():
        assert codes_of(reset(graphql, {"linkToken": codes.link_token(code)})) == ["INVALID_CODE"]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "REQUIRED"),
        ("m4Zr!q9Wp@L-7h", "PASSWORD_TOO_SHORT"),
        ("plumtree window " * 65, "PASSWORD_TOO_LONG"),
        ("qwerty123456789", "PASSWORD_TOO_COMMON"),
        ("plumtree\0 window", "INVALID_INPUT"),
        ("ada@example.com1", "PASSWORD_TOO_SIMILAR"),
        ("correct1correct1", "PASSWORD_TOO_WEAK"),
    ],
)
@WAYS
def test_a_refused_password_does_not_use_up_the_code(graphql, ada, settings, way, password, code):
    """S5, S6: nor an attempt at it, however often."""
    settings.LATCHKEY = replace(settings.LATCHKEY, password_min_strength=3)
    credential = way(graphql, ada.email)

    for _ in range(7):
        assert (code, ["newPassword"]) in refusals(reset(graphql, credential, password))
    assert opens(graphql, PASSWORD)
    assert reset(graphql, credential)["errors"] == []
    assert recorded(EventType.RESET_FAILED) == []


def test_names_are_compared_only_with_a_right_code(graphql, ada):
    """S11: otherwise a wrong one would tell what an account is called, and whether there is one."""
    credential = by_code(graphql, ada.email)
    credential["code"]["code"] = "BBBB-BBBB"

    assert codes_of(reset(graphql, credential, "ada@example.com1")) == ["INVALID_CODE"]


@WAYS
def test_a_social_account_gets_its_first_password(graphql, ada, way):
    """Its identities stay: its address was verified, and they are its holder's."""
    Account.objects.filter(pk=ada.pk).update(password="!")
    UserSocialAuth.objects.create(user=ada, provider="google-oauth2", uid="7")

    assert reset(graphql, way(graphql, ada.email))["errors"] == []

    assert opens(graphql, NEW)
    assert UserSocialAuth.objects.filter(user=ada).exists()


@WAYS
def test_a_never_verified_account_is_handed_over(graphql, sign_in, way):
    """S9, S85, S87: what somebody set before, without proof of the mailbox, ends; the address is verified now."""
    squatted = make_account(email="ada@example.com")
    thief = sign_in(squatted)
    UserSocialAuth.objects.create(user=squatted, provider="google-oauth2", uid="7")
    codes.create(Purpose.CHANGE_EMAIL, email="thief@example.com", account=squatted, lifetime=600)

    assert reset(graphql, way(graphql, squatted.email))["errors"] == []

    squatted.refresh_from_db()
    assert squatted.email_verified
    assert opens(graphql, NEW)
    assert not opens(graphql, PASSWORD)
    assert graphql(ME, token=thief.access_token).status == 401
    assert not UserSocialAuth.objects.exists()
    assert not MailedCode.objects.filter(used_at=None, purpose=Purpose.CHANGE_EMAIL).exists()
    assert recorded(EventType.TAKEN_OVER) == [(squatted.pk, "")]


def test_what_was_mailed_before_dies(graphql, ada):
    """S12: a pending change of the address, and codes that sign in. What takes changes back stays."""
    for purpose in Purpose:
        codes.create(purpose, email=ada.email, account=ada, lifetime=7200)

    reset(graphql, by_link(graphql, ada.email))

    before_the_notice = MailedCode.objects.filter(used_at=None).order_by("created_at")[:2]
    assert {code.purpose for code in before_the_notice} == {Purpose.SECURE, Purpose.UNDO_EMAIL_CHANGE}
    assert MailedCode.objects.filter(used_at=None).count() == 3


@pytest.mark.parametrize("change", [{"email": "new@example.com"}, {"is_active": False}])
@WAYS
def test_an_account_that_has_changed_is_not_reset(graphql, ada, way, change):
    """The code proves a mailbox that is not the account's any more; and a disabled account stays shut."""
    credential = way(graphql, ada.email)
    Account.objects.filter(pk=ada.pk).update(**change)

    with nothing_changes(MailedCode):
        assert codes_of(reset(graphql, credential)) == ["EXPIRED_CODE"]
    assert recorded(EventType.RESET_FAILED) == [(ada.pk, "EXPIRED_CODE")]


@pytest.mark.parametrize("privilege", ["is_staff", "is_superuser"])
def test_staff_reset_only_by_a_verified_address(graphql, ada, privilege):
    """A typing error of whoever made the account would give a stranger its privileges."""
    Account.objects.update(**{privilege: True})
    credential = by_link(graphql, ada.email)
    Account.objects.update(email_verified=False)
    request_reset(graphql, ada.email)

    with nothing_changes():
        assert codes_of(reset(graphql, credential)) == ["EXPIRED_CODE"]
    assert queued(ada.email) == ["reset_password", "nothing"]
    Account.objects.update(email_verified=True)
    assert reset(graphql, credential)["errors"] == []


NFC = "Straße nach Köln, Café"


@pytest.mark.parametrize("chosen", [NFC, unicodedata.normalize("NFD", NFC), NFC.replace(" ", "\u00a0")])
def test_the_new_password_is_normalised(graphql, ada, chosen):
    """S83: chosen on one keyboard, it opens the account on another."""
    reset(graphql, by_link(graphql, ada.email), chosen)

    assert opens(graphql, NFC)
    assert opens(graphql, unicodedata.normalize("NFD", NFC))


@pytest.mark.parametrize("chosen", ["e\u0301o\u0301e\u0301o\u0301x#7K", "pass\u00a0word pass\u3000word"])
def test_the_new_password_is_judged_as_it_is_hashed(graphql, ada, chosen):
    """S83: marks of their own do not make it longer, nor odd spaces another one."""
    credential = by_link(graphql, ada.email)

    assert {code[:13] for code in codes_of(reset(graphql, credential, chosen))} == {"PASSWORD_TOO_"}
    assert opens(graphql, PASSWORD)


def test_pending_sign_ins_end_with_a_takeover_only(graphql, providers):
    """S33: a link challenge of a verified account still needs a sign-in, so it may stay."""
    ada = make_account(email="ada@example.com", email_verified=True)
    given = {"provider": "google", "credential": {"accessToken": providers.google_token()}}
    graphql(CONVERT, input=given)

    reset(graphql, by_link(graphql, ada.email))

    assert Challenge.objects.count() == 1


def test_a_bad_bearer_does_not_stop_it(graphql, ada):
    """S23: whoever lost the password may have a stale token."""
    credential = by_link(graphql, ada.email)

    answer = graphql(RESET, token="stale", input={"credential": credential, "newPassword": NEW})

    assert answer.data["resetPassword"]["errors"] == []


def test_the_mail_opens_the_front_end_of_the_client(graphql, ada):
    """S91: not the host that was asked."""
    Client.objects.update(front_end_url="https://app.example")

    graphql(REQUEST_RESET, headers={"X-Forwarded-Host": "evil.example"}, input={"email": ada.email})

    assert Mail.objects.get().client.front_end_url == "https://app.example"

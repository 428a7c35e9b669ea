"""`register` where confirmation is mandatory: no account before it, and nothing tells taken addresses from new ones."""

import re
from collections import Counter

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.challenges.models import Challenge
from accounts.conf import EmailVerification
from accounts.guard import hashing
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.people.models import Account
from accounts.tokens.models import Session
from accounts.verification.models import PendingRegistration
from tests.api import ME, PASSWORD, TOKEN_AUTH, codes, refusals
from tests.factories import make_account, make_client
from tests.mails import queued, typed_code
from tests.providers.stored import nothing_changes
from tests.verification import calls
from tests.verification.calls import ADDRESS

pytestmark = pytest.mark.usefixtures("mandatory", "default_client")
REQUIRED = ["EMAIL_VERIFICATION_REQUIRED"]


@pytest.fixture
def challenge(register):
    """Of a registration."""
    return register()["challenge"]


def code() -> str:
    """The last one mailed to Ada."""
    return typed_code(ADDRESS, Purpose.VERIFY)


def test_registering_creates_no_account(register):
    """S3: it waits, with a challenge; the mail is on its way."""
    payload = register()

    assert (codes(payload), payload["tokens"], payload["account"]) == (REQUIRED, None, None)
    assert payload["challenge"]["__typename"] == "EmailVerificationChallenge"
    assert (payload["challenge"]["email"], payload["challenge"]["expiresIn"]) == (ADDRESS, 24 * 3600)
    assert queued(ADDRESS) == ["verify_email"]
    assert not Account.objects.exists() and not Session.objects.exists()


@pytest.mark.parametrize("taken", [True, False])
def test_the_mail_holds_nothing_that_the_registrant_wrote(register, taken):
    """S62: it goes to an address that may be somebody else's."""
    if taken:
        make_account(email=ADDRESS)
    register(firstName="Buy at evil.example")

    mail = Mail.objects.get()
    assert (mail.email, mail.data) == (ADDRESS, {})
    assert not MailedCode.objects.exclude(data={}).exists()


@pytest.mark.parametrize("holder", [{}, {"email_verified": True}, {"is_active": False}, {"password": None}])
def test_a_taken_address_looks_like_a_new_one(graphql, holder):
    """S3, S61: the bodies, the rows, the statements and the hashes are those of a new one."""
    make_account(email="taken@example.com", **holder)
    found = {}
    for email in ("new00@example.com", "taken@example.com"):
        SecurityEvent.objects.all().expire()
        before, hashes = rows(), hashing.count()
        with CaptureQueriesContext(connection) as statements:
            answer = graphql(calls.REGISTER, input={**calls.ADA, "email": email})
        body = re.sub(r"'token': '[^']+'", "'token': ''", str(answer.body)).replace(email, "")
        written = {name: count - before[name] for name, count in rows().items()}
        kinds = [re.match(r"\w+(?: INTO \S+| FROM \S+)?", query["sql"])[0] for query in statements]
        found[email] = (answer.status, body, written, kinds, hashing.count() - hashes)

    assert found["new00@example.com"] == found["taken@example.com"]
    assert queued("taken@example.com") == ["nothing" if holder == {"is_active": False} else "already_registered"]


def rows() -> Counter[str]:
    """How many there are."""
    models = (Account, PendingRegistration, MailedCode, Mail, Challenge, SecurityEvent, Session)
    return Counter({model.__name__: model.objects.count() for model in models})


@pytest.mark.parametrize("email", ["new@example.com", "taken@example.com"])
def test_other_failures_are_told_alike(register, email):
    """S61: of the form, whoever has the address; and nothing is stored."""
    make_account(email="taken@example.com", username="taken")

    with nothing_changes():
        payload = register(email=email, username="Taken", firstName="", password="short", locale="no tag")

    assert {(code, *field) for code, field in refusals(payload)} == {
        ("USERNAME_TAKEN", "username"),
        ("REQUIRED", "firstName"),
        ("PASSWORD_TOO_SHORT", "password"),
        ("INVALID_INPUT", "locale"),
    }


def test_a_registration_that_waits_is_nobodys(graphql, register, challenge):
    """S61: it has no profile, holds no username, and signs nobody in."""
    assert graphql("{ users { nodes { id } } }").data["users"]["nodes"] == []
    assert codes(register(email="eve@example.com")) == REQUIRED
    refused = graphql(TOKEN_AUTH, input={"email": ADDRESS, "password": PASSWORD}).data["tokenAuth"]
    assert codes(refused) == ["INVALID_CREDENTIALS"]


def test_the_code_creates_the_account_and_signs_in(graphql, register, answer):
    """As it was registered, in its language, with both proofs on the session."""
    challenge = register(locale="pt-br", lastName="King")["challenge"]
    payload = answer(challenge, code())

    assert (payload["errors"], payload["isNewAccount"]) == ([], True)
    assert graphql(ME, token=payload["tokens"]["accessToken"]).data["me"] == payload["account"]
    account = Account.objects.get()
    assert (account.email, account.username, account.first_name, account.last_name, account.locale) == (
        ADDRESS, "ada", "Augusta", "King", "pt-BR",
    )  # fmt: skip
    assert account.email_verified and account.check_password(PASSWORD)
    assert Session.objects.get().authentication_methods == ["password", "email_code"]
    assert not PendingRegistration.objects.exists() and not Challenge.objects.exists()


def test_the_client_scope_and_transport_are_those_of_the_first_call(register, answer, client):
    """S63: also where the refresh token travels."""
    own, secret = make_client(client_type="confidential")
    browser = {"Origin": "http://localhost:5173", "Apollo-Require-Preflight": "true", "Host": "localhost"}
    given = {"clientId": own.client_id, "clientSecret": secret, "refreshTokenTransport": "BODY"}
    challenge = register(**given)["challenge"]
    Challenge.objects.update(transport="COOKIE")

    assert codes(answer(challenge, code())) == ["TRANSPORT_NOT_ALLOWED"]
    tokens = answer(challenge, code(), headers=browser)["tokens"]

    assert (tokens["refreshToken"], Session.objects.get().client) == (None, own)


def test_a_wrong_code_can_be_corrected(challenge, answer):
    """The challenge stays."""
    with nothing_changes(MailedCode, Challenge):
        assert refusals(answer(challenge, "BCDF-GHJK")) == [("INVALID_CODE", ["code"])]

    assert answer(challenge, code().lower().replace("-", " "))["errors"] == []


def test_a_code_bears_five_wrong_guesses(challenge, answer):
    """S71: then the right one is refused too, until another is mailed."""
    for _ in range(5):
        assert codes(answer(challenge, "BCDF-GHJK")) == ["INVALID_CODE"]

    with nothing_changes(Challenge):
        assert refusals(answer(challenge, code())) == [("EXPIRED_CODE", ["code"])]


def test_guesses_are_limited_by_address(challenge, answer, settings):
    """S52: over all codes that were mailed to it."""
    calls.limit(settings, "code.account=1/1h")
    answer(challenge, "BCDF-GHJK")

    with nothing_changes(Challenge):
        assert codes(answer(challenge, code())) == ["RATE_LIMITED"]


def test_a_guess_at_a_taken_address_looks_like_one_at_a_new_one(register, answer):
    """S61: wrong ones, and then none at all."""
    make_account(email="taken@example.com")
    found = []
    for email in ("taken@example.com", "new@example.com"):
        challenge = register(email=email)["challenge"]
        found.append([codes(answer(challenge, "BCDF-GHJK")) for _ in range(6)])

    assert found[0] == found[1] == [["INVALID_CODE"]] * 5 + [["EXPIRED_CODE"]]


@pytest.mark.parametrize(
    ("taken", "code_of_it"), [({"email": ADDRESS}, "EMAIL_TAKEN"), ({"username": "ADA"}, "USERNAME_TAKEN")]
)
def test_what_was_taken_meanwhile_is_told_to_the_holder_of_the_mailbox(challenge, answer, taken, code_of_it):
    """Nothing is created, and the code is not used up."""
    make_account(**taken)

    with nothing_changes(MailedCode, Challenge):
        assert refusals(answer(challenge, code())) == [(code_of_it, None)]
    assert MailedCode.objects.get().used_at is None


@pytest.mark.parametrize("token", ["", "x" * 43])
def test_an_unknown_challenge_is_refused(challenge, answer, token):
    """S63."""
    with nothing_changes():
        assert refusals(answer(token, code())) == [("INVALID_CHALLENGE", ["challengeToken"])]


def test_a_challenge_is_answered_once(challenge, answer):
    """S63."""
    right = code()
    answer(challenge, right)

    with nothing_changes():
        assert codes(answer(challenge, right)) == ["INVALID_CHALLENGE"]


def test_a_code_is_good_for_its_own_registration_only(register, answer):
    """S85: whoever registers the same address too gets nothing by the code that its holder types."""
    mine = register()["challenge"]
    right = code()
    attackers = register(username="eve", password="a passphrase of eve")["challenge"]

    with nothing_changes(MailedCode, Challenge):
        assert codes(answer(attackers, right)) == ["INVALID_CODE"]
    assert answer(mine, right)["account"]["email"] == ADDRESS
    assert Account.objects.get().check_password(PASSWORD)


def test_registrations_that_expired_are_cleared_away(challenge, answer):
    """With their codes; a day after they began."""
    right = code()
    for model in (PendingRegistration, MailedCode, Challenge):
        model.objects.update(expires_at=timezone.now())

    assert codes(answer(challenge, right)) == ["INVALID_CHALLENGE"]
    call_command("clear_expired", verbosity=0)
    assert not PendingRegistration.objects.exists()
    assert not MailedCode.objects.exists() and not Mail.objects.exists()


@pytest.mark.parametrize("email", ["new@example.com", "taken@example.com"])
def test_the_mails_to_an_address_are_limited(register, settings, email):
    """So that nobody floods a mailbox; the same for new and taken ones, before a hash."""
    make_account(email="taken@example.com")
    calls.limit(settings, "mail.account=2/1h")

    assert [codes(register(email=email)) for _ in range(2)] == [REQUIRED] * 2
    hashes = hashing.count()
    with nothing_changes():
        assert codes(register(email=email)) == ["RATE_LIMITED"]
    assert hashing.count() == hashes


def test_registering_a_taken_address_makes_nobody_known_there(register, settings, graphql):
    """S53: an attacker's address does not pass the limits of the account whose address it named."""
    holder = make_account(email="taken@example.com", email_verified=True)
    calls.limit(settings, "sign_in.account=1/1h")
    settings.TRUSTED_PROXIES = ["198.51.100.1"]
    register(email=holder.email)

    given = {"email": holder.email, "password": "not the password"}
    tried = [codes(graphql(TOKEN_AUTH, input=given).data["tokenAuth"]) for _ in range(2)]
    assert tried == [["INVALID_CREDENTIALS"], ["RATE_LIMITED"]]


def test_registrations_that_wait_count(register, settings):
    """S56: they cost a hash."""
    calls.limit(settings, "register.global=2/1h")

    answers = [codes(register(email=f"ada{number}@example.com")) for number in range(3)]
    assert answers == [REQUIRED, REQUIRED, ["RATE_LIMITED"]]


@pytest.mark.parametrize("password", [PASSWORD, "not the password"])
def test_an_unverified_account_cannot_sign_in(graphql, password):
    """S1, S2: the answer and the work are those of an unknown address."""
    make_account(email="known@example.com")
    found = []
    for email in ("known@example.com", "nobody@example.com"):
        hashes = hashing.count()
        with CaptureQueriesContext(connection) as statements, nothing_changes():
            answer = graphql(TOKEN_AUTH, input={"email": email, "password": password})
        found.append((answer.status, answer.body, len(statements), hashing.count() - hashes))

    assert found[0] == found[1]
    assert codes(found[0][1]["data"]["tokenAuth"]) == ["INVALID_CREDENTIALS"]


def test_a_verified_account_signs_in(graphql, sign_in):
    """As ever."""
    assert sign_in(make_account(email_verified=True))


def test_unverified_staff_enter_the_administration(admin_browser):
    """Others made these accounts."""
    staff = make_account(is_staff=True, is_superuser=True)

    admin_browser.post("/admin/login/?next=/admin/", {"username": staff.email, "password": PASSWORD})

    assert admin_browser.get("/admin/").status_code == 200


def test_sessions_from_before_the_switch_continue(graphql, settings, sign_in):
    """They end as any other; the next sign-in waits."""
    calls.with_settings(settings, email_verification=EmailVerification.OPTIONAL)
    signed_in = sign_in(make_account())
    calls.require_confirmation(settings)

    assert graphql(ME, token=signed_in.access_token).data["me"]


def test_the_events_name_the_account_once_there_is_one(register, answer):
    """S58: what waits has none."""
    challenge = register()["challenge"]
    answer(challenge, "BCDF-GHJK")

    waiting = list(SecurityEvent.objects.order_by("created_at", "type").values_list("type", "subject", "cause"))
    assert sorted(waiting) == [
        (EventType.EMAIL_VERIFICATION_FAILED, None, "INVALID_CODE"),
        (EventType.REGISTER_FAILED, None, "EMAIL_VERIFICATION_REQUIRED"),
    ]
    answer(challenge, code())
    account = Account.objects.get()
    made = SecurityEvent.objects.filter(subject=account.pk).values_list("type", "actor", "client")
    assert set(made) == {
        (type_, account.pk, "web") for type_ in (EventType.REGISTERED, EventType.EMAIL_VERIFIED, EventType.SIGNED_IN)
    }

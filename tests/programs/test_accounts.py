"""`manage.py accounts`: by the rules of the mutations, idempotent, and each change names its actor."""

import io
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.factors.models import FactorReset, Totp
from accounts.guard.models import SecurityEvent
from accounts.leaving.export import data_of
from accounts.mails.models import Mail, Purpose
from accounts.people.models import Account
from accounts.tokens.models import Session
from tests.api import ME, PASSWORD, REFRESH, TOKEN_AUTH, codes
from tests.factories import make_account
from tests.mails import link_token, queued
from tests.mfa.enrolled import with_app
from tests.passwords.mailed import NEW, reset
from tests.programs.running import run

ADA = ("ada@example.com", "--username", "ada", "--first-name", "Ada")


def happened() -> list[tuple[str, object, str]]:
    """Type, account and client of all events, oldest first."""
    return list(SecurityEvent.objects.order_by("created_at").values_list("type", "subject", "client"))


def opens(graphql, password, email="ada@example.com") -> bool:
    """Whether the password signs in."""
    return codes(graphql(TOKEN_AUTH, input={"email": email, "password": password}).data["tokenAuth"]) == []


def is_over(graphql, signed_in) -> bool:
    """Whether neither token of the session opens anything."""
    refreshed = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]
    return codes(refreshed) == ["INVALID_GRANT"] and graphql(ME, token=signed_in.access_token).status == 401


@pytest.fixture
def typed(monkeypatch):
    """Put text on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_an_account_is_created_with_a_password_from_standard_input(graphql, typed):
    """It signs in; the password is not in the output."""
    typed(f"{PASSWORD}\n")

    done = run("accounts", "create", *ADA, "--verified", "--password-stdin")

    account = Account.objects.get()
    assert (done.code, done.records[0]["id"], done.records[0]["created"]) == (0, str(account.pk), True)
    assert (account.email, account.email_verified, account.is_staff) == ("ada@example.com", True, False)
    assert PASSWORD not in str(done)
    assert account.password not in str(done)
    assert happened() == [("account:register:success", account.pk, "program:cron")]
    assert opens(graphql, PASSWORD)


def test_an_account_without_a_password_has_none(graphql):
    """Nothing signs in to it, and nothing is mailed unless asked for."""
    assert run("accounts", "create", *ADA).records[0]["has_password"] is False

    assert not opens(graphql, "")
    assert not Mail.objects.exists()


def test_a_mailed_link_lets_the_holder_choose_the_password(graphql):
    """It verifies the address too."""
    run("accounts", "create", *ADA, "--mail-link", "--client-id", "web", "--locale", "de")

    assert Mail.objects.get().locale == "de"
    assert codes(reset(graphql, {"linkToken": link_token("ada@example.com", Purpose.RESET)})) == []
    assert opens(graphql, NEW)
    assert Account.objects.get().email_verified


REFUSED = {
    "no address": (("ada", *ADA[1:]), [("INVALID_INPUT", "email")]),
    "a reserved username": ((*ADA, "--username", "admin"), [("USERNAME_TAKEN", "username")]),
    "no name": ((*ADA, "--first-name", " "), [("REQUIRED", "first_name")]),
    "a link in a name": ((*ADA, "--first-name", "https://a.example"), [("INVALID_INPUT", "first_name")]),
    "no language": ((*ADA, "--locale", "klingon-"), [("INVALID_INPUT", "locale")]),
    "NUL": (("a\0@example.com", *ADA[1:]), [("INVALID_INPUT", "email")]),
    "an unknown client": ((*ADA, "--mail-link", "--client-id", "nobody"), [("INVALID_CLIENT", "client_id")]),
    "two faults": (("ada", *ADA[1:], "--username", "a b"), [("INVALID_INPUT", "email"), ("INVALID_INPUT", "username")]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_account_that_registration_would_refuse_is_refused(db, case):
    """With the codes of the API, all at once; nothing is stored or mailed, and who tried is recorded (S58)."""
    arguments, errors = REFUSED[case]

    done = run("accounts", "create", *arguments)

    assert (done.code, done.errors, done.records) == (3, errors, [])
    assert not Account.objects.exists()
    assert not Mail.objects.exists()
    assert happened() == [("account:register:failure", None, "program:cron")]


@pytest.mark.parametrize(
    ("password", "code"),
    [("", "REQUIRED"), ("short", "PASSWORD_TOO_SHORT"), ("correct horse " * 200, "PASSWORD_TOO_LONG")],
)
def test_a_password_that_registration_would_refuse_is_refused(db, typed, password, code):
    """S5: and not repeated."""
    typed(password)

    done = run("accounts", "create", *ADA, "--password-stdin")

    assert (done.code, done.errors) == (3, [(code, "password")])
    assert not password or password not in done.stderr
    assert not Account.objects.exists()


def test_a_taken_address_is_refused(db):
    """And the account that has it stays as it is."""
    run("accounts", "create", *ADA)
    before = Account.objects.values().get()

    done = run("accounts", "create", "ADA@example.com", "--username", "other", "--first-name", "Eve", "--verified")

    assert (done.code, done.errors) == (3, [("EMAIL_TAKEN", "email")])
    assert Account.objects.values().get() == before
    assert len(happened()) == 2


def test_to_create_again_if_missing_changes_nothing(db):
    """It shows the account that is there, whatever else is asked."""
    first = run("accounts", "create", *ADA, "--if-missing").records[0]
    before = Account.objects.values().get()

    done = run("accounts", "create", *ADA[:3], "--first-name", "Eve", "--verified", "--mail-link", "--if-missing")

    assert (done.code, done.records) == (0, [{**first, "created": False}])
    assert Account.objects.values().get() == before
    assert not Mail.objects.exists()
    assert len(happened()) == 1


def test_if_missing_does_not_hide_another_fault(db):
    """A username that somebody else has."""
    make_account(username="ada")

    assert run("accounts", "create", *ADA, "--if-missing").errors == [("USERNAME_TAKEN", "username")]
    assert Account.objects.count() == 1


@pytest.mark.parametrize("name", [lambda account: str(account.pk), lambda account: account.email.upper()])
def test_an_account_is_shown_by_its_id_or_address(account, name):
    """Without secrets; looking is no event."""
    (record,) = run("accounts", "show", name(account)).records

    assert (record["id"], record["email"], record["has_password"]) == (str(account.pk), account.email, True)
    assert account.password not in str(record)
    assert happened() == []


UNKNOWN = {
    "nobody@example.com": (4, "NOT_FOUND"),
    "6f1f0d3e-4c1b-4f0e-9a43-0c2f5a4d7b11": (4, "NOT_FOUND"),
    "a\0@example.com": (4, "NOT_FOUND"),
    "ada": (3, "INVALID_INPUT"),
}


@pytest.mark.parametrize("named", UNKNOWN)
@pytest.mark.parametrize("verb", ["show", "disable", "enable", "sessions", "end-sessions", "keep-factors", "delete"])
def test_an_unknown_account_is_not_found(graphql, signed_in, verb, named):
    """Nothing happens to others."""
    before = happened()

    done = run("accounts", verb, named)

    assert (done.code, done.errors) == (UNKNOWN[named][0], [(UNKNOWN[named][1], "account")])
    assert graphql(ME, token=signed_in.access_token).status == 200
    assert happened() == before


def test_a_disabled_account_is_signed_out_for_good(graphql, signed_in):
    """S13, S82: enabling it revives nothing; both name the actor."""
    email, key = signed_in.account.email, signed_in.account.pk
    before = len(happened())

    disabled = run("accounts", "disable", email).records[0]
    assert (disabled["changed"], disabled["is_active"]) == (True, False)
    assert is_over(graphql, signed_in)
    assert not opens(graphql, PASSWORD, email)
    enabled = run("accounts", "enable", email).records[0]

    assert (enabled["changed"], enabled["is_active"]) == (True, True)
    assert is_over(graphql, signed_in)
    assert opens(graphql, PASSWORD, email)
    acts = [event for event in happened()[before:] if event[2] == "program:cron"]
    assert acts == [("account:disable", key, "program:cron"), ("account:enable", key, "program:cron")]


@pytest.mark.parametrize(("verb", "active"), [("disable", False), ("enable", True)])
def test_to_disable_or_enable_again_changes_nothing(account, verb, active):
    """No second event either."""
    Account.objects.filter(pk=account.pk).update(is_active=active)
    before = happened()

    assert run("accounts", verb, account.email).records[0]["changed"] is False

    assert happened() == before


@pytest.fixture
def leaving(account):
    """An account that is closed until its deletion."""
    due = timezone.now() + timedelta(days=10)
    Account.objects.filter(pk=account.pk).update(is_active=False, deletion_due_at=due)
    SecurityEvent.objects.all().expire()
    return account


def test_to_disable_a_leaving_account_does_not_cancel_its_deletion(leaving):
    """Its holder wants it deleted."""
    record = run("accounts", "disable", leaving.email).records[0]

    assert record["changed"] is False
    assert record["deletion_due_at"]
    assert happened() == []


def test_to_enable_a_leaving_account_cancels_its_deletion(leaving):
    """And says so in an event of its own."""
    record = run("accounts", "enable", leaving.email).records[0]

    assert (record["is_active"], record["deletion_due_at"]) == (True, None)
    assert {event[0] for event in happened()} == {"account:enable", "account:delete:cancel"}


def test_all_sessions_end_for_good(graphql, sign_in, signed_in):
    """S82: an account is signed out everywhere, and others are not."""
    again, other = sign_in(signed_in.account), sign_in(make_account())

    assert run("accounts", "end-sessions", signed_in.account.email).records == [
        {"id": str(signed_in.account.pk), "ended": 2}
    ]

    assert is_over(graphql, signed_in)
    assert is_over(graphql, again)
    assert graphql(ME, token=other.access_token).status == 200
    assert ("session:end:all", signed_in.account.pk, "program:cron") in happened()


def test_one_session_ends(graphql, sign_in, signed_in):
    """The other one goes on. The event names the program, not the session's client."""
    again = sign_in(signed_in.account)
    newest = run("accounts", "sessions", signed_in.account.email).records[0]
    assert (newest["client_id"], newest["authentication_methods"]) == ("web", ["password"])

    run("accounts", "end-sessions", signed_in.account.email, "--session", newest["id"])

    assert is_over(graphql, again)
    assert graphql(ME, token=signed_in.access_token).status == 200
    assert ("session:end", signed_in.account.pk, "program:cron") in happened()


def test_a_session_of_somebody_else_does_not_end(graphql, signed_in):
    """Nor one that has ended before."""
    session, other = str(Session.objects.get().pk), make_account()
    before = happened()

    done = run("accounts", "end-sessions", other.email, "--session", session)

    assert (done.code, done.errors) == (4, [("NOT_FOUND", "session")])
    assert graphql(ME, token=signed_in.access_token).status == 200
    assert happened() == before


def test_a_deleted_account_is_gone(graphql, signed_in):
    """With its sessions; the event outlives it. To delete it again finds nothing."""
    email, key = signed_in.account.email, signed_in.account.pk

    assert run("accounts", "delete", email).records == [{"id": str(key), "deleted": True}]

    assert not Account.objects.exists()
    assert not Session.objects.exists()
    assert graphql(ME, token=signed_in.access_token).status == 401
    assert ("account:delete", key, "program:cron") in happened()
    assert run("accounts", "delete", email).code == 4


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_an_account_of_the_administration_is_not_deleted(db, right):
    """A typing error must not lock the operators out."""
    staff = make_account(**{right: True})
    before = happened()

    done = run("accounts", "delete", staff.email)

    assert (done.code, done.errors) == (3, [("STAFF_ACCOUNT", "account")])
    assert Account.objects.filter(pk=staff.pk).exists()
    assert set(happened()) == {*before, ("account:delete:failure", staff.pk, "program:cron")}


def listed(*arguments: str) -> list[str]:
    """The addresses that `list` finds."""
    return [record["email"] for record in run("accounts", "list", *arguments).records]


@pytest.fixture
def people(db):
    """Four accounts, a day apart: disabled, leaving, verified, staff."""
    now = timezone.now()
    fields = {
        "disabled": {"is_active": False},
        "leaving": {"is_active": False, "deletion_due_at": now},
        "verified": {"email_verified": True},
        "staff": {"is_staff": True},
    }
    for age, (name, more) in enumerate(fields.items()):
        account = make_account(email=f"{name}@example.com", date_joined=now - timedelta(days=age))
        Account.objects.filter(pk=account.pk).update(**more)
    return now


FILTERS = {
    (): ["disabled", "leaving", "verified", "staff"],
    ("--state", "active"): ["verified", "staff"],
    ("--state", "disabled"): ["disabled"],
    ("--state", "leaving"): ["leaving"],
    ("--verified",): ["verified"],
    ("--no-verified", "--state", "active"): ["staff"],
    ("--staff",): ["staff"],
    ("--limit", "2"): ["disabled", "leaving"],
    ("--limit", "0"): [],
}


@pytest.mark.parametrize("arguments", FILTERS)
def test_accounts_are_listed_newest_first_and_filtered(people, arguments):
    """By state, verification, rights and number."""
    assert listed(*arguments) == [f"{name}@example.com" for name in FILTERS[arguments]]


def test_accounts_are_listed_by_when_they_joined(people):
    """From a moment on, and before one."""
    between = people - timedelta(days=1)

    assert listed("--joined-since", between.isoformat()) == ["disabled@example.com", "leaving@example.com"]
    assert listed("--joined-before", between.isoformat()) == ["verified@example.com", "staff@example.com"]


def test_a_list_continues_behind_a_cursor(people):
    """Also when its account is gone by then."""
    first = run("accounts", "list", "--limit", "2").records
    Account.objects.get(email=first[-1]["email"]).delete()

    assert listed("--after", first[-1]["cursor"]) == ["verified@example.com", "staff@example.com"]


@pytest.mark.parametrize("wrong", ["--actor=", "--actor=a b", "--actor=é", f"--actor={'a' * 65}", "--session=x"])
def test_a_wrong_call_does_nothing(account, wrong):
    """On the command line, its exit code is 2."""
    with pytest.raises(CommandError):
        call_command("accounts", "end-sessions", account.email, wrong)

    assert happened() == []


def test_a_record_for_people_cannot_steer_their_terminal(account, signed_in):
    """A user agent is what a stranger wrote."""
    Session.objects.update(user_agent="agent \x1b[2J\r\n\u202e")
    out = io.StringIO()

    call_command("accounts", "sessions", account.email, stdout=out)

    assert "user_agent: agent ?[2J???\n" in out.getvalue()


def test_a_refusal_for_people_has_the_code_too(db):
    """And the same exit code as for programs."""
    with pytest.raises(CommandError, match=r"^account NOT_FOUND Not found\.$") as refusal:
        call_command("accounts", "show", "nobody@example.com")

    assert refusal.value.returncode == 4


def test_the_holder_sees_what_an_operator_did(graphql, sign_in, account):
    """In plain words, as what staff does."""
    run("accounts", "end-sessions", account.email)
    query = "{ me { securityEvents(first: 5) { nodes { message ipAddress userAgent } } } }"

    nodes = graphql(query, token=sign_in(account).access_token).data["me"]["securityEvents"]["nodes"]

    assert {"message": "All sessions were ended.", "ipAddress": None, "userAgent": None} in nodes


def test_the_holders_export_does_not_name_the_operator(db):
    """As it does not name staff: the event is there, as one by others."""
    account = make_account(email_verified=True)
    run("accounts", "disable", account.email)

    data = data_of(account)

    assert [event["type"] for event in data["security_events_by_others"]] == ["account:disable"]
    assert "cron" not in str(data)


REASON = "called back, ticket 17"


def test_second_factors_are_reset_after_the_delay(db):
    """S79: the holder is mailed, the event names the program and the reason; to ask again changes nothing."""
    account = make_account(email="ada@example.com", email_verified=True)
    with_app(account)

    first = run("accounts", "reset-factors", account.email, "--reason", REASON).records[0]
    again = run("accounts", "reset-factors", account.email, "--reason", REASON).records[0]

    assert (first["id"], first["changed"], again["changed"]) == (str(account.pk), True, False)
    assert first["effective_at"] == again["effective_at"] == FactorReset.objects.get().effective_at.isoformat()
    assert happened() == [("mfa:reset:request", account.pk, "program:cron")]
    assert SecurityEvent.objects.get().cause == REASON
    assert queued(account.email) == ["factor_reset_requested"]
    assert Totp.objects.exists()


def test_a_reset_is_withdrawn(db):
    """And the factors stay; to withdraw it again changes nothing."""
    account = make_account(email_verified=True)
    with_app(account)
    run("accounts", "reset-factors", account.email, "--reason", REASON)

    first, again = (run("accounts", "keep-factors", account.email).records[0] for _ in range(2))

    assert (first["changed"], again["changed"]) == (True, False)
    assert not FactorReset.objects.exists()
    assert happened()[1:] == [("mfa:reset:withdraw", account.pk, "program:cron")]
    assert Totp.objects.exists()


@pytest.mark.parametrize(
    ("has_app", "reason", "error"),
    [(True, " ", ("INVALID_INPUT", "reason")), (False, REASON, ("MFA_NOT_ENABLED", None))],
)
def test_a_reset_without_a_reason_or_without_factors_is_refused(account, has_app, reason, error):
    """Nothing is stored or mailed."""
    if has_app:
        with_app(account)

    done = run("accounts", "reset-factors", account.email, "--reason", reason)

    assert (done.code, done.errors, done.records) == (3, [error], [])
    assert not FactorReset.objects.exists()
    assert happened() == []

"""Attempts to sign in and to register are limited before they cost anything, and recorded."""

import contextlib
import dataclasses
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
import requests
from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.conf import rate_limits
from accounts.errors import AccountsError
from accounts.guard import limits
from accounts.guard.errors import RateLimited
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.guard.models import SecurityEvent
from accounts.passwords.errors import InvalidCredentials
from accounts.people.models import Account
from accounts.shared import hashers
from accounts.shared.caller import Caller
from accounts.social.errors import ProviderUnavailable
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import Client, Session
from tests.api import CHANGE_PASSWORD, PASSWORD, REGISTER, TOKEN_AUTH, codes
from tests.factories import make_account, make_client
from tests.live import serving

WRONG = "not the password"
ADA = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
HOME, THIEF = "192.0.2.1", "203.0.113.66"
LIMITED = ["RATE_LIMITED"]
REFUSED = ["INVALID_CREDENTIALS"]


@pytest.fixture
def rates(settings):
    """Change the limits of a test: `rates("sign_in.account=3/1h")`."""

    def change(text: str) -> None:
        settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, rate_limits=rate_limits(text))

    return change


@pytest.fixture
def attempt(graphql):
    """The codes of a sign-in."""

    def sign_in(email: str, password: str = WRONG, *, headers: dict[str, str] | None = None, **more: Any) -> list[str]:
        answer = graphql(TOKEN_AUTH, headers=headers, input={"email": email, "password": password, **more})
        return codes(answer.data["tokenAuth"])

    return sign_in


@pytest.fixture
def hashes(monkeypatch):
    """How often something is hashed."""
    runs: list[str] = []
    encode, verify = hashers.ConfiguredArgon2Hasher.encode, hashers.ConfiguredArgon2Hasher.verify
    monkeypatch.setattr(
        hashers.ConfiguredArgon2Hasher, "encode", lambda *given: runs.append("encode") or encode(*given)
    )
    monkeypatch.setattr(
        hashers.ConfiguredArgon2Hasher, "verify", lambda *given: runs.append("verify") or verify(*given)
    )

    def count(run) -> int:
        runs.clear()
        run()
        return len(runs)

    return count


def failures_of(type_: EventType) -> dict[tuple[Any, str], int]:
    """How often each subject failed with each cause. A minute may end between two of them, and begin another row."""
    counts: Counter[tuple[Any, str]] = Counter()
    for subject, cause, count in SecurityEvent.objects.filter(type=type_).values_list("subject", "cause", "count"):
        counts[subject, cause] += count
    return counts


def test_guesses_at_one_account_are_limited(graphql, attempt, account, rates):
    """S52: then not even the right one is looked at; the client is told when to come back."""
    rates("sign_in.account=3/1h")

    assert [attempt(account.email) for _ in range(4)] == [REFUSED] * 3 + [LIMITED]

    answer = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD})
    assert codes(answer.data["tokenAuth"]) == LIMITED
    assert 0 < int(answer.headers["Retry-After"]) <= 20 * 60
    assert not Session.objects.exists()


@pytest.mark.parametrize("spelling", [str.upper, " {} ".format])
def test_other_spellings_of_an_address_are_the_same_one(attempt, account, rates, spelling):
    """S52: what is looked up is what is counted."""
    rates("sign_in.account=1/1h")

    assert [attempt(account.email), attempt(spelling(account.email))] == [REFUSED, LIMITED]


def test_signing_in_gives_the_attempt_back(attempt, account, rates):
    """S52: only failures count."""
    rates("sign_in.account=1/1h")

    assert [attempt(account.email, PASSWORD) for _ in range(5)] == [[]] * 5


def test_a_limited_attempt_hashes_nothing(attempt, account, rates, hashes):
    """S52: the limit comes before the costly work."""
    rates("sign_in.account=1/1h")

    assert hashes(lambda: attempt(account.email)) == 1
    assert hashes(lambda: attempt(account.email)) == 0


def test_others_are_not_limited(attempt, account, rates):
    """S53: the flood is at one account."""
    rates("sign_in.account=1/1h")
    other = make_account()

    assert [attempt(account.email) for _ in range(3)][-1] == LIMITED
    assert attempt(other.email, PASSWORD) == []


def test_limits_tell_nothing_about_an_address(graphql, rates):
    """S1, S2: as many answers of each kind, each after as many statements, whoever is asked for."""
    rates("sign_in.account=2/1h")
    addresses = {
        "known": make_account().email,
        "disabled": make_account(is_active=False).email,
        "without a password": make_account(password=None).email,
        "unknown": "unknown@example.com",
        "unknown too": "nobody@example.com",
    }

    found = {}
    for kind, email in addresses.items():
        answers = []
        for _ in range(3):
            with CaptureQueriesContext(connection) as statements:
                payload = graphql(TOKEN_AUTH, input={"email": email, "password": WRONG}).data["tokenAuth"]
            answers.append((codes(payload), len(statements)))
        found[kind] = answers

    assert [given for given, _count in found["known"]] == [REFUSED, REFUSED, LIMITED]
    assert [kind for kind, answers in found.items() if answers != found["known"]] == []


def test_a_failed_sign_in_is_recorded_for_its_holder(attempt, account, rates):
    """S58: also a disabled one; and what was tried at nobody's address, without an account."""
    rates("sign_in.account=2/1h")
    disabled = make_account(is_active=False)

    for email in (account.email, account.email.upper(), account.email, disabled.email, "unknown@example.com", "\0"):
        attempt(email)

    assert failures_of(EventType.SIGN_IN_FAILED) == {
        (account.pk, "INVALID_CREDENTIALS"): 2,
        (account.pk, "RATE_LIMITED"): 1,
        (disabled.pk, "INVALID_CREDENTIALS"): 1,
        (None, "INVALID_CREDENTIALS"): 2,
    }
    event = SecurityEvent.objects.filter(subject=account.pk).first()
    assert (event.client, event.ip_address, event.actor) == ("web", "127.0.0.1", None)


@pytest.fixture
def front_end(db) -> dict[str, str]:
    """A server-side front end that may say for whom it asks."""
    client, secret = make_client(client_type=Client.CLIENT_CONFIDENTIAL, states_end_user=True)
    return {"clientId": client.client_id, "clientSecret": secret}


def test_end_users_of_a_trusted_front_end_are_limited_one_by_one(attempt, rates, front_end):
    """S64: it has one address for all of them."""
    rates("sign_in.address=2/1h")

    def at(address: str, number: int) -> list[str]:
        return attempt(f"nobody{number}@example.com", headers={"End-User-IP": address}, **front_end)

    assert [at("8.8.8.8", number) for number in range(3)] == [REFUSED, REFUSED, LIMITED]
    assert at("9.9.9.9", 0) == REFUSED
    assert "8.8.8.8" in SecurityEvent.objects.values_list("ip_address", flat=True)


def test_nobody_else_says_whose_address_counts(attempt, account, rates):
    """S64: a stated address is not even recorded."""
    rates("sign_in.account=2/1h")

    answers = [attempt(account.email, headers={"End-User-IP": f"8.8.8.{number}"}) for number in range(3)]

    assert answers == [REFUSED, REFUSED, LIMITED]
    assert set(SecurityEvent.objects.values_list("ip_address", flat=True)) == {"127.0.0.1"}


def test_registrations_are_limited(graphql, rates, hashes):
    """S56: also those that succeed, before anything is looked up or hashed."""
    rates("register.global=2/1h")

    def register(number: int) -> list[str]:
        given = {**ADA, "email": f"ada{number}@example.com", "username": f"ada{number}"}
        return codes(graphql(REGISTER, input=given).data["register"])

    assert [register(number) for number in range(2)] == [[], []]
    assert hashes(lambda: register(2)) == 0
    assert register(3) == LIMITED
    assert Account.objects.count() == 2


def test_a_registration_is_recorded(graphql):
    """S58: with the account that it made."""
    graphql(REGISTER, input=ADA)

    event = SecurityEvent.objects.get(type=EventType.REGISTERED)
    key = Account.objects.get().pk
    assert (event.subject, event.actor, event.client, event.ip_address) == (key, key, "web", "127.0.0.1")


def test_a_registration_that_is_undone_is_not_recorded(graphql, monkeypatch):
    """S58: in the transaction of what it tells."""

    def fail(**_kwargs: Any) -> None:
        raise RuntimeError("no tokens today")

    monkeypatch.setattr(bearer_tokens, "issue", fail)
    graphql(REGISTER, input=ADA)

    assert not SecurityEvent.objects.exists()


def test_a_failed_registration_is_recorded(graphql):
    """S58: for the holder of the address, if it has one."""
    holder = make_account(email=ADA["email"])
    graphql(REGISTER, input=ADA)
    graphql(REGISTER, input={**ADA, "email": "new@example.com", "password": "short"})
    graphql(REGISTER, input={**ADA, "email": "\0"})

    assert failures_of(EventType.REGISTER_FAILED) == {
        (holder.pk, "EMAIL_TAKEN"): 1,
        (None, "PASSWORD_TOO_SHORT"): 1,
        (None, "INVALID_INPUT"): 1,
    }


def test_what_is_recorded_holds_no_secret(attempt, account, graphql):
    """S58: neither the password nor the text of a stranger."""
    attempt(account.email, "hunter2 hunter2")
    graphql(REGISTER, input={**ADA, "email": "stranger's text", "password": "hunter2"})

    rows = str(list(SecurityEvent.objects.values()))
    assert SecurityEvent.objects.count() == 2
    assert "hunter2" not in rows and "stranger" not in rows


class Admin:
    """A browser at the administration of a real server, with its cookies and its CSRF token."""

    def __init__(self, url: str) -> None:
        self.url, self.browser = url, requests.Session()

    def sign_in(self, email: str, password: str) -> tuple[int, str]:
        """Status of the form's answer, and the error that it shows."""
        page = self.browser.get(f"{self.url}/admin/login/?next=/admin/", timeout=10)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        form = {"username": email, "password": password, "csrfmiddlewaretoken": token[1]}
        answer = self.browser.post(f"{self.url}/admin/login/?next=/admin/", form, timeout=10, allow_redirects=False)
        error = re.search(r'<p class="errornote">\s*(.*?)\s*</p>', answer.text, re.DOTALL)
        return answer.status_code, error[1] if error else ""


def test_the_administrations_sign_in_is_limited_and_recorded(tmp_path):
    """S52, S58: together with `tokenAuth`; a refusal looks like a wrong password, and says nothing else."""
    with serving(tmp_path, RATE_LIMITS="sign_in.account=3/1h") as live:
        live.post(REGISTER, input=ADA)
        other = {**ADA, "email": "eve@example.com", "username": "eve"}
        live.post(REGISTER, input=other)
        staff = "from accounts.models import Account; Account.objects.update(is_staff=True, is_superuser=True)"
        live.manage("shell", "-v", "0", "-c", staff)
        admin = Admin(live.url)

        answers = [admin.sign_in(ADA["email"], WRONG) for _ in range(2)]
        tried = live.post(TOKEN_AUTH, input={"email": ADA["email"], "password": WRONG})[1]["data"]["tokenAuth"]
        answers += [admin.sign_in(ADA["email"].upper(), PASSWORD), admin.sign_in(ADA["email"], PASSWORD)]
        refused = live.post(TOKEN_AUTH, input={"email": ADA["email"], "password": PASSWORD})[1]["data"]["tokenAuth"]
        signed_in = [Admin(live.url).sign_in(other["email"], PASSWORD)[0] for _ in range(5)]

        assert (codes(tried), codes(refused)) == (REFUSED, LIMITED)
        assert {status for status, _error in answers} == {200}
        assert len({error for _status, error in answers}) == 1
        assert "correct" in answers[0][1]
        assert signed_in == [302] * 5
        events = live.manage(
            "shell", "-v", "0", "-c",
            "from accounts.models import SecurityEvent, Account\n"
            "names = dict(Account.objects.values_list('pk', 'username'))\n"
            "for event in SecurityEvent.objects.filter(client=''):\n"
            "    print(event.type, names[event.subject], event.cause, event.ip_address)",
        )  # fmt: skip
        found = events.splitlines()
        assert "account:login:failure ada INVALID_CREDENTIALS 127.0.0.1" in found
        assert "account:login:failure ada RATE_LIMITED 127.0.0.1" in found
        assert found.count("account:login:success eve  127.0.0.1") == 5


def test_the_administration_confirms_no_password_without_a_trace(admin_browser, account):
    """S58: a right one of somebody who is no staff looks as a wrong one, and the holder sees that it was tried."""
    answers = [
        admin_browser.post("/admin/login/?next=/admin/", {"username": account.email, "password": password})
        for password in (WRONG, PASSWORD)
    ]

    errors = {re.search(r'<p class="errornote">(.*?)</p>', page.content.decode(), re.DOTALL)[1] for page in answers}
    assert len(errors) == 1
    assert admin_browser.get("/admin/").status_code == 302
    assert failures_of(EventType.SIGN_IN_FAILED) == {
        (account.pk, "INVALID_CREDENTIALS"): 1,
        (account.pk, "not staff"): 1,
    }
    assert not SecurityEvent.objects.filter(type=EventType.SIGNED_IN).exists()


def test_a_caller_without_a_request_is_not_limited(account, rates):
    """`authenticate` of one's own code, which has its own limits or needs none."""
    rates("sign_in.account=1/1h")

    assert [authenticate(username=account.email, password=WRONG) for _ in range(3)] == [None] * 3
    assert authenticate(username=account.email, password=PASSWORD) == account
    assert not SecurityEvent.objects.exists()


def is_known(account: Account, address: str) -> bool:
    """Whether this address passes the line of the account, which others have used up."""
    for number in range(200):
        caller = Caller(ip_address=f"198.51.100.{number}")
        with contextlib.suppress(AccountsError), limits.attempt(Action.SIGN_IN, account=account.email, caller=caller):
            raise InvalidCredentials
    caller = Caller(ip_address=address)
    try:
        with (
            contextlib.suppress(ProviderUnavailable),
            limits.attempt(Action.SIGN_IN, account=account.email, caller=caller),
        ):
            raise ProviderUnavailable  # costs nothing
    except RateLimited:
        return False
    return True


@pytest.fixture
def known(attempt, account, client, settings):
    """The account was signed in from an address of a thief, too."""
    settings.TRUSTED_PROXIES = 1
    for address in (THIEF, HOME):
        client.defaults["REMOTE_ADDR"] = address
        assert attempt(account.email, PASSWORD) == []
    return account


def by_its_holder(account, graphql):
    """In a session."""
    token = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD}).data["tokenAuth"]["tokens"]
    given = {"currentPassword": PASSWORD, "newPassword": "a passphrase of the holder"}
    payload = graphql(CHANGE_PASSWORD, token=token["accessToken"], input=given).data["changePassword"]
    assert payload["errors"] == []


def by_save(account, _graphql):
    """As the administration and `changepassword` do."""
    account.set_password("a passphrase of the staff")
    account.save()


def by_update(account, _graphql):
    """In bulk."""
    Account.objects.filter(pk=account.pk).update(password="!")


def back_to_its_address(account, _graphql):
    """By `undoEmailChange`."""
    email = account.email
    Account.objects.filter(pk=account.pk).update(email="thief@example.com")
    account.set_password(None)
    account.save(update_fields={"email", "password"})
    assert Account.objects.get(pk=account.pk).email == email


def deleted(account, _graphql):
    """By `deleteAccount`."""
    with transaction.atomic():
        account.end_sessions()
        account.delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [by_its_holder, by_save, by_update, back_to_its_address, deleted])
def test_a_new_password_makes_a_thief_a_stranger_again(known, graphql, change):
    """S53: where the holder sets it is known at once."""
    change(known, graphql)

    assert not is_known(known, THIEF)
    assert is_known(known, HOME) == (change is by_its_holder)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("other", [Account.end_sessions, Account.save])
def test_the_thief_of_a_session_does_not_make_its_holder_a_stranger(known, other):
    """S53: ending the other sessions takes no proof."""
    other(known)

    assert is_known(known, HOME)


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_makes_nobody_a_stranger(known):
    """S53: only what was stored."""
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        by_save(known, None)
        raise ZeroDivisionError

    assert is_known(known, THIEF)


def test_every_process_hears_of_new_passwords():
    """S53: a command, too, before it has served a request."""
    told = "import django, sys; django.setup(); print('accounts.passwords.old_addresses' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", told], text=True).strip() == "True"

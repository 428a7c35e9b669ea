"""`changePassword`: needs the present one, ends every other session, and keeps the one it is done in."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone
from oauth2_provider.models import get_grant_model

from accounts.conf import rate_limits
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.passwords import change
from accounts.people.models import Account
from accounts.tokens.models import Session
from tests.api import CHANGE_PASSWORD, ME, PASSWORD, REFRESH, REGISTER, REVOKE, TOKEN_AUTH, SignedIn, codes, refusals
from tests.factories import make_account
from tests.live import UNLIMITED, Live, serving

NEW = "a passphrase of the holder"
WRONG = "not the present password"
CHANGE = {"currentPassword": PASSWORD, "newPassword": NEW}


@pytest.fixture
def change_password(graphql):
    """The payload of changing the password in a session."""

    def post(signed_in: SignedIn, **given: Any) -> Any:
        answer = graphql(CHANGE_PASSWORD, token=signed_in.access_token, input={**CHANGE, **given})
        return answer.data["changePassword"]

    return post


@pytest.fixture
def untouched(graphql, signed_in, sign_in):
    """Check that nothing was changed: the password opens the account, and its sessions live."""
    other = sign_in(signed_in.account)

    def check() -> None:
        assert Account.objects.get(pk=signed_in.account.pk).password == signed_in.account.password
        for session in (signed_in, other):
            assert graphql(ME, token=session.access_token).status == 200
        assert not SecurityEvent.objects.filter(type=EventType.PASSWORD_CHANGED).exists()

    return check


def without_password(signed_in: SignedIn) -> None:
    """As an account that was created through a provider; its session goes on."""
    account = Account(password="")
    account.set_unusable_password()
    Account._base_manager.filter(pk=signed_in.account.pk).update(password=account.password)


def long_ago(signed_in: SignedIn) -> None:
    """Its holder proved who they are a day ago."""
    Session.objects.filter(account=signed_in.account).update(authenticated_at=timezone.now() - timedelta(days=1))


def opens(graphql, account: Account, password: str) -> bool:
    """Whether the password signs in."""
    payload = graphql(TOKEN_AUTH, input={"email": account.email, "password": password}).data["tokenAuth"]
    return not payload["errors"]


def test_the_new_password_replaces_the_old_one(graphql, signed_in, change_password):
    """The shape of success."""
    payload = change_password(signed_in)

    assert payload["errors"] == []
    assert payload["account"]["hasPassword"] is True
    assert payload["account"]["id"] == graphql(ME, token=signed_in.access_token).data["me"]["id"]
    assert opens(graphql, signed_in.account, NEW)
    assert not opens(graphql, signed_in.account, PASSWORD)


def test_the_session_in_which_it_is_done_continues(graphql, signed_in, change_password):
    """S10: with both of its tokens, and through its next refreshes."""
    change_password(signed_in)

    assert graphql(ME, token=signed_in.access_token).status == 200
    token = signed_in.refresh_token
    for _ in range(2):
        tokens = graphql(REFRESH, input={"refreshToken": token}).data["refreshToken"]["tokens"]
        assert graphql(ME, token=tokens["accessToken"]).status == 200
        token = tokens["refreshToken"]
    assert Session.objects.count() == 1


def test_it_continues_after_a_refresh_too(graphql, signed_in, change_password):
    """S10, S68: with the tokens of the rotation before; the lost answer of one is given again."""
    first = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
    signed_in = SignedIn(signed_in.account, first["accessToken"], first["refreshToken"])
    change_password(signed_in)

    pairs = [
        graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
        for _ in range(2)
    ]

    assert pairs[0]["refreshToken"] == pairs[1]["refreshToken"]
    assert graphql(ME, token=pairs[1]["accessToken"]).status == 200


def test_every_other_session_ends(graphql, sign_in, signed_in, change_password):
    """S10, S82: at once, for both tokens; and codes that wait for their exchange."""
    other = sign_in(signed_in.account)
    grants = get_grant_model().objects
    grants.create(
        user=signed_in.account,
        code="a-code",
        application=Session.objects.first().client,
        expires=timezone.now() + timedelta(minutes=1),
        redirect_uri="https://a.example",
        scope="account",
    )

    change_password(signed_in)

    assert graphql(ME, token=other.access_token).status == 401
    refreshed = graphql(REFRESH, input={"refreshToken": other.refresh_token}).data["refreshToken"]
    assert codes(refreshed) == ["INVALID_GRANT"]
    assert not grants.exists()
    assert Session.objects.count() == 1


def test_the_administrations_sessions_end(admin_browser, sign_in, graphql, change_password, db):
    """S10, S82: the cookie of `/admin/` is a session of another kind."""
    staff = make_account(is_staff=True, is_superuser=True)
    form = {"username": staff.email, "password": PASSWORD}
    assert admin_browser.post("/admin/login/?next=/admin/", form).status_code == 302
    assert admin_browser.get("/admin/").status_code == 200

    assert change_password(sign_in(staff))["errors"] == []

    assert admin_browser.get("/admin/").status_code == 302


def test_nobody_elses_sessions_end(graphql, sign_in, signed_in, change_password):
    """And nobody else's password changes."""
    bystander = sign_in(make_account())

    change_password(signed_in)

    assert graphql(ME, token=bystander.access_token).status == 200
    assert opens(graphql, bystander.account, PASSWORD)


def test_the_holder_sees_that_it_was_changed(signed_in, change_password):
    """S58: by whom, and with which client."""
    change_password(signed_in)

    event = SecurityEvent.objects.get(type=EventType.PASSWORD_CHANGED)
    assert (event.subject, event.actor, event.client) == (signed_in.account.pk, signed_in.account.pk, "web")
    assert event.ip_address == "127.0.0.1"


@pytest.mark.parametrize("wrong", [WRONG, PASSWORD + " ", NEW, "\0", "x" * 100_000])
def test_a_wrong_present_password_changes_nothing(signed_in, change_password, untouched, wrong):
    """S10, S24: although the Bearer is valid; and it is recorded for the holder."""
    payload = change_password(signed_in, currentPassword=wrong)

    assert refusals(payload) == [("INVALID_CREDENTIALS", ["currentPassword"])]
    assert payload["account"] is None
    untouched()
    event = SecurityEvent.objects.get(type=EventType.PASSWORD_CHANGE_FAILED)
    assert (event.subject, event.actor, event.cause) == (
        signed_in.account.pk, signed_in.account.pk, "INVALID_CREDENTIALS",
    )  # fmt: skip


@pytest.mark.parametrize("given", [{}, {"currentPassword": None}, {"currentPassword": ""}])
def test_the_present_password_is_required(graphql, signed_in, untouched, given):
    """S10: also of a session that began just now."""
    answer = graphql(CHANGE_PASSWORD, token=signed_in.access_token, input={"newPassword": NEW, **given})

    assert refusals(answer.data["changePassword"]) == [("REQUIRED", ["currentPassword"])]
    untouched()


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "REQUIRED"),
        ("m4Zr!q9Wp@L-7h", "PASSWORD_TOO_SHORT"),
        ("plumtree window " * 65, "PASSWORD_TOO_LONG"),
        ("qwerty123456789", "PASSWORD_TOO_COMMON"),
        ("person@example.com", "PASSWORD_TOO_SIMILAR"),
        ("plumtree\0 window", "INVALID_INPUT"),
    ],
)
@pytest.mark.parametrize("current", [PASSWORD, WRONG])
def test_a_new_password_meets_the_rules(signed_in, change_password, untouched, password, code, current):
    """S5, S6: against the account. Whether the present one is right, it does not tell."""
    Account._base_manager.update(email="person@example.com")

    payload = change_password(signed_in, currentPassword=current, newPassword=password)

    assert refusals(payload) == [(code, ["newPassword"])]
    untouched()


def test_all_failures_come_at_once(graphql, signed_in, untouched):
    """Nobody has to try three times."""
    answer = graphql(CHANGE_PASSWORD, token=signed_in.access_token, input={"newPassword": "aaaa"})

    assert refusals(answer.data["changePassword"]) == [
        ("REQUIRED", ["currentPassword"]),
        ("PASSWORD_TOO_SHORT", ["newPassword"]),
        ("PASSWORD_TOO_COMMON", ["newPassword"]),
    ]
    untouched()


def test_the_same_password_again_is_a_change(graphql, sign_in, signed_in, change_password):
    """As in Django: it ends other sessions, as its holder expects of it."""
    other = sign_in(signed_in.account)

    assert change_password(signed_in, newPassword=PASSWORD)["errors"] == []

    assert graphql(ME, token=other.access_token).status == 401
    assert opens(graphql, signed_in.account, PASSWORD)


def test_a_validator_may_keep_a_history(signed_in, change_password, monkeypatch):
    """As after `set_password` and `save`: Django tells each validator of the new password."""
    told = []
    monkeypatch.setattr(change, "password_changed", lambda password, account: told.append((password, account.pk)))

    change_password(signed_in)

    assert told == [(NEW, signed_in.account.pk)]


def test_the_first_password_needs_no_other(graphql, sign_in, signed_in, change_password):
    """Of an account that signs in through a provider, in a session that began lately."""
    other = sign_in(signed_in.account)
    without_password(signed_in)
    query = "{ me { hasPassword } }"
    assert graphql(query, token=signed_in.access_token).data["me"]["hasPassword"] is False

    payload = change_password(signed_in, currentPassword=None)

    assert payload["errors"] == []
    assert graphql(query, token=signed_in.access_token).data["me"]["hasPassword"] is True
    assert graphql(ME, token=other.access_token).status == 401
    assert opens(graphql, signed_in.account, NEW)


def test_the_first_password_needs_a_recent_proof(graphql, signed_in, change_password):
    """S88: else a borrowed phone would get a password of its own. The holder is told of the attempt."""
    without_password(signed_in)
    long_ago(signed_in)

    payload = change_password(signed_in, currentPassword=None)

    assert refusals(payload) == [("REAUTHENTICATION_REQUIRED", None)]
    assert not Account.objects.get().has_usable_password()
    assert graphql(ME, token=signed_in.access_token).status == 200
    event = SecurityEvent.objects.get(type=EventType.PASSWORD_CHANGE_FAILED)
    assert event.cause == "REAUTHENTICATION_REQUIRED"


def test_the_present_password_is_a_proof_by_itself(signed_in, change_password):
    """S10: however old the session."""
    long_ago(signed_in)

    assert change_password(signed_in)["errors"] == []


def test_an_account_without_a_password_has_no_right_one(signed_in, change_password):
    """Whoever sends one believes that there is one."""
    without_password(signed_in)

    assert refusals(change_password(signed_in)) == [("INVALID_CREDENTIALS", ["currentPassword"])]
    assert not Account.objects.get().has_usable_password()


@pytest.mark.parametrize("token", [None, "unknown"])
def test_signed_out_it_changes_nothing(graphql, signed_in, untouched, token):
    """S23: knowing the password is not enough."""
    answer = graphql(CHANGE_PASSWORD, token=token, input=CHANGE)

    assert answer.codes == ["UNAUTHENTICATED"]
    untouched()


def test_guesses_are_limited(signed_in, change_password, untouched, settings):
    """S52: whoever found an open session cannot try passwords; then not even the right one is looked at."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("change_password.account=3/1h"))

    answers = [codes(change_password(signed_in, currentPassword=WRONG)) for _ in range(5)]

    assert answers == [["INVALID_CREDENTIALS"]] * 3 + [["RATE_LIMITED"]] * 2
    assert codes(change_password(signed_in)) == ["RATE_LIMITED"]
    untouched()
    causes = set(SecurityEvent.objects.filter(subject=signed_in.account.pk).values_list("cause", flat=True))
    assert causes >= {"INVALID_CREDENTIALS", "RATE_LIMITED"}


def test_a_weak_new_password_uses_up_no_attempt(signed_in, change_password, settings):
    """S52: somebody who looks for a password that is good enough is no attacker."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("change_password.account=3/1h"))
    for _ in range(5):
        change_password(signed_in, newPassword="too short")

    assert change_password(signed_in)["errors"] == []


@pytest.fixture
def in_between(monkeypatch):
    """Do something once between checking the present password and storing the new one: `in_between(act)`."""

    def arrange(act) -> None:
        hashed, acts = change.make_password, [act]

        def hash_then_act(password: str) -> str:
            if acts:
                acts.pop()()
            return hashed(password)

        monkeypatch.setattr(change, "make_password", hash_then_act)

    return arrange


def test_a_password_that_was_changed_meanwhile_is_kept(graphql, signed_in, change_password, in_between):
    """S82: by the administration: the session is over, and so is what it was doing."""

    def reset() -> None:
        account = Account.objects.get()
        account.set_password("set by the administration")
        account.save()

    in_between(reset)

    answer = graphql(CHANGE_PASSWORD, token=signed_in.access_token, input=CHANGE)

    assert answer.codes == ["UNAUTHENTICATED"]
    assert Account.objects.get().check_password("set by the administration")
    assert not Session.objects.exists()


def test_a_session_that_was_ended_meanwhile_changes_nothing(graphql, sign_in, signed_in, in_between):
    """S21: its holder signed it out from another device."""
    other = sign_in(signed_in.account)
    in_between(lambda: graphql(REVOKE, input={"token": signed_in.refresh_token}))

    answer = graphql(CHANGE_PASSWORD, token=signed_in.access_token, input=CHANGE)

    assert answer.codes == ["UNAUTHENTICATED"]
    assert Account.objects.get().check_password(PASSWORD)
    assert graphql(ME, token=other.access_token).status == 200


def test_a_hash_that_was_renewed_meanwhile_is_no_other_password(signed_in, change_password, in_between):
    """S7: the present password is checked once more, and is right."""

    def renew() -> None:
        account = Account(password="")
        account.set_password(PASSWORD)
        Account._base_manager.update(password=account.password)

    in_between(renew)

    assert change_password(signed_in)["errors"] == []
    assert Account.objects.get().check_password(NEW)


def test_of_two_changes_in_one_session_the_later_one_is_wrong(graphql, signed_in, change_password, in_between):
    """The present password of the later one is not the present one any more."""
    in_between(lambda: change_password(signed_in))

    payload = change_password(signed_in, newPassword="another passphrase of the holder")

    assert refusals(payload) == [("INVALID_CREDENTIALS", ["currentPassword"])]
    assert opens(graphql, signed_in.account, NEW)


def test_the_validators_are_djangos(settings, signed_in, change_password):
    """A validator that a deployment adds counts here too."""
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    ]
    with pytest.raises(Exception, match="numeric"):
        validate_password("8302591746028395")

    assert refusals(change_password(signed_in, newPassword="8302591746028395")) == [("INVALID_INPUT", ["newPassword"])]


class Person:
    """Somebody with a session at a real server."""

    def __init__(self, live: Live, email: str, password: str = PASSWORD) -> None:
        self.live, self.email = live, email
        self.tokens = self.sign_in(password)

    def call(self, operation: str, token: str = "", **given: Any) -> Any:
        """The payload; None if the session is over. Never a fault of ours."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status, body = self.live.post(operation, headers=headers, input=given)
        if "errors" in body:
            assert [error["extensions"]["code"] for error in body["errors"]] == ["UNAUTHENTICATED"], (status, body)
            return None
        return next(iter(body["data"].values()))

    def sign_in(self, password: str) -> Any:
        """The tokens, or None."""
        return self.call(TOKEN_AUTH, email=self.email, password=password)["tokens"]

    def change(self, new: str) -> bool:
        """Whether the change succeeded. It fails for a good reason only."""
        token = self.tokens["accessToken"]
        payload = self.call(CHANGE_PASSWORD, token, currentPassword=PASSWORD, newPassword=new)
        assert payload is None or set(codes(payload)) <= {"INVALID_CREDENTIALS"}
        return payload is not None and not payload["errors"]

    def refresh(self) -> Any:
        """The next tokens, or None."""
        return self.call(REFRESH, refreshToken=self.tokens["refreshToken"])["tokens"]

    def is_signed_in(self, tokens: Any) -> bool:
        """Whether the access token still opens the account."""
        return self.live.post(ME, headers={"Authorization": f"Bearer {tokens['accessToken']}"})[0] == 200


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Two processes with four threads each. Limits are for other tests."""
    with serving(tmp_path_factory.mktemp("live"), WORKERS="2", THREADS="4", **UNLIMITED) as server:
        yield server


def registered(live: Live, name: str) -> str:
    """The address of a new account."""
    email = f"{name}@example.com"
    payload = live.post(REGISTER, input={"email": email, "username": name, "firstName": "Ada", "password": PASSWORD})
    assert payload[1]["data"]["register"]["errors"] == []
    return email


def at_once(*calls) -> list:
    """The results of calls that begin together."""
    barrier = threading.Barrier(len(calls))

    def begin(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


@pytest.mark.parametrize("round_", range(5))
def test_of_two_changes_at_once_one_wins(live, round_):
    """S10, S82: from two sessions; the winner's lives, the other is over, and one password opens the account."""
    email = registered(live, f"two{round_}")
    people = [Person(live, email), Person(live, email)]

    won = at_once(*(partial(person.change, f"{NEW} {n}") for n, person in enumerate(people)))

    assert sorted(won) == [False, True]
    winner = won.index(True)
    assert [person.is_signed_in(person.tokens) for person in people] == [n == winner for n in range(2)]
    assert [bool(people[0].sign_in(f"{NEW} {n}")) for n in range(2)] == [n == winner for n in range(2)]


@pytest.mark.parametrize("round_", range(5))
def test_a_refresh_during_the_change_ends_nothing(live, round_):
    """S10, S18: the session rotates at the same time: no 5xx, and it lives, whichever came first."""
    person = Person(live, registered(live, f"rotating{round_}"))

    changed, tokens, other = at_once(partial(person.change, NEW), person.refresh, person.refresh)

    assert tokens and other and tokens["refreshToken"] == other["refreshToken"]
    assert person.is_signed_in(tokens)
    # Its access token may be gone by then: the client repeats the change with the new one.
    person.tokens = tokens
    assert changed or person.change(NEW)
    assert person.is_signed_in(tokens) and person.refresh()


@pytest.mark.parametrize("round_", range(5))
def test_a_sign_in_during_the_change_opens_nothing(live, round_):
    """S10, S82: with the old password: refused, or over with the other sessions."""
    person = Person(live, registered(live, f"late{round_}"))

    changed, *attempts = at_once(partial(person.change, NEW), *[partial(person.sign_in, PASSWORD)] * 3)

    assert changed
    assert not any(person.is_signed_in(tokens) for tokens in attempts if tokens)
    assert person.is_signed_in(person.tokens)

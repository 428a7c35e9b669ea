"""`deleteAccount`: nothing of the person is left, and nobody else loses anything."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.guard.models import SecurityEvent
from accounts.leaving import deletion
from accounts.leaving.holdings import HOLDINGS, NO_HOLDINGS
from accounts.people.models import Account
from accounts.tokens.api import AccessToken
from accounts.tokens.models import Client, Session
from tests.api import CONVERT, ME, REFRESH, REGISTER, TOKEN_AUTH, codes, refusals
from tests.browser import Browser
from tests.factories import PASSWORD, make_account
from tests.leaving.somebody import SUBJECT_AT_GOOGLE, traces
from tests.live import serving
from tests.providers import faults
from tests.providers.registrations import APPLE_APP, APPLE_CLIENT
from tests.providers.stored import everything, nothing_changes
from tests.tokens.test_cookie import CREDENTIALS, bearer, browser, signed_in_browser

__all__ = ["bearer", "browser", "signed_in_browser"]

DELETE = """
mutation ($input: DeleteAccountInput) {
  deleteAccount(input: $input) { scheduledFor errors { code field message } }
}
"""
APPLE_SUBJECT = "001544.a1b2c3.1234"
FIELD = ["appleCode"]


@pytest.fixture
def delete(graphql):
    """The payload of a deletion."""

    def send(signed_in, **given):
        return graphql(DELETE, token=signed_in.access_token, input=given or None).data["deleteAccount"]

    return send


def found(texts: list[str]) -> dict[str, set[str]]:
    """The tables whose rows hold one of the texts, with the columns."""
    places: dict[str, set[str]] = {}
    for label, rows in everything().items():
        for row in rows:
            columns = {name for name, value in row.items() if any(text in str(value) for text in texts)}
            if columns:
                places.setdefault(label, set()).update(columns)
    return places


# What is left


def test_nothing_is_left_but_what_is_kept_for_a_reason(delete, somebody):
    """The rows that the list of holdings names: of the account only its id is in them."""
    texts = traces(somebody.account)
    before = found(texts).keys()
    assert before >= {holding.model for holding in HOLDINGS} - {"accounts.Client"}

    assert delete(somebody)["errors"] == []

    left = found(texts)
    assert left.keys() <= {holding.model for holding in HOLDINGS if holding.kept} | NO_HOLDINGS.keys()
    assert left == {
        "accounts.SecurityEvent": {"subject", "actor"},
        "admin.LogEntry": {"object_id", "object_repr"},
    }
    assert found([text for text in texts if text not in {str(somebody.account.pk), somebody.account.pk.hex}]) == {}


def test_every_table_is_emptied_of_the_account_or_says_why_not(delete, somebody):
    """The same list, by its own look-ups."""
    account = Account.objects.get(pk=somebody.account.pk)

    delete(somebody)

    left = {holding.name for holding in HOLDINGS if holding.of(account).exists()}
    assert left <= {holding.name for holding in HOLDINGS if holding.kept}


def test_nobody_else_loses_anything(delete, somebody, sign_in, graphql):
    """Neither another person, nor the users of an application that this one registered."""
    other = sign_in(make_account(email="grace@example.com"))
    Client.objects.filter(client_id="web").update(user=somebody.account)

    delete(somebody)

    assert graphql(ME, token=other.access_token).data["me"]["email"] == "grace@example.com"
    assert Client.objects.filter(user=None).count() == Client.objects.count() == 2


def test_every_token_is_dead(delete, somebody, graphql):
    """S21: at once; and nobody signs in with the old password."""
    assert delete(somebody)["scheduledFor"] is not None

    assert graphql(ME, token=somebody.access_token).status == 401
    assert codes(graphql(REFRESH, input={"refreshToken": somebody.refresh_token}).data["refreshToken"]) == [
        "INVALID_GRANT"
    ]
    given = {"email": "lovelace@example.com", "password": PASSWORD}
    assert codes(graphql(TOKEN_AUTH, input=given).data["tokenAuth"]) == ["INVALID_CREDENTIALS"]
    assert not Session.objects.filter(account=somebody.account.pk).exists()


def test_it_is_recorded_without_address_and_agent(delete, somebody):
    """S58: operators see what happened, and when, but no longer from where."""
    delete(somebody)

    mine = SecurityEvent.objects.filter(subject=somebody.account.pk)
    assert mine.filter(type="account:delete", actor=somebody.account.pk).count() == 1
    assert mine.filter(type="account:login:success").exists()
    assert {(event.ip_address, event.user_agent) for event in mine} == {(None, "")}


def test_the_address_and_the_username_are_free_again(delete, somebody, graphql):
    """The new account has nothing of the old one."""
    delete(somebody)

    given = {"email": "lovelace@example.com", "username": "Countess", "firstName": "Ada", "password": PASSWORD}
    assert graphql(REGISTER, input=given).data["register"]["errors"] == []
    assert Account.objects.get(email="lovelace@example.com").pk != somebody.account.pk
    assert not UserSocialAuth.objects.exists()


def test_a_social_sign_in_afterwards_creates_another_account(delete, somebody, graphql, providers):
    """The identity is nobody's any more."""
    delete(somebody)

    credential = {"accessToken": providers.google_token(sub=SUBJECT_AT_GOOGLE, email="lovelace@example.com")}
    payload = graphql(CONVERT, input={"provider": "google", "credential": credential}).data["convertSocialToken"]
    assert (payload["isNewAccount"], payload["errors"]) == (True, [])
    assert Account.objects.get(email="lovelace@example.com").pk != somebody.account.pk


# Who may


def test_it_needs_a_recent_proof(delete, signed_in):
    """A found phone deletes nothing."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))

    with nothing_changes():
        payload = delete(signed_in)
    assert (payload["scheduledFor"], codes(payload)) == (None, ["REAUTHENTICATION_REQUIRED"])
    assert SecurityEvent.objects.filter(type="account:delete:failure", subject=signed_in.account.pk).exists()


def test_it_is_for_who_is_signed_in(graphql, account):
    """Nobody names the account to delete."""
    with nothing_changes():
        assert graphql(DELETE).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_the_accounts_of_the_administration_stay(graphql, sign_in, flag):
    """Otherwise the last superuser could lock everyone out; a superuser takes the flags away first."""
    staff = sign_in(make_account(**{flag: True}))
    graphql(ME, token=staff.access_token)

    with nothing_changes():
        assert graphql(DELETE, token=staff.access_token).codes == ["FORBIDDEN"]


def test_whoever_becomes_staff_meanwhile_stays(delete, signed_in, graphql, monkeypatch):
    """Looked at again under the lock."""
    lock = deletion.bearer_tokens.locked_account

    def promoted_first(bearer):
        Account.objects.update(is_staff=True)
        return lock(bearer)

    monkeypatch.setattr(deletion.bearer_tokens, "locked_account", promoted_first)

    assert graphql(DELETE, token=signed_in.access_token).codes == ["FORBIDDEN"]
    assert Account.objects.exists()


def test_a_token_that_is_revoked_meanwhile_deletes_nothing(graphql, signed_in, monkeypatch):
    """S21: somebody has just ended the session, and is glad."""
    refuse = deletion.refuse_staff

    def revoked_first(account):
        AccessToken.objects.all().delete()
        refuse(account)

    monkeypatch.setattr(deletion, "refuse_staff", revoked_first)

    assert graphql(DELETE, token=signed_in.access_token).codes == ["UNAUTHENTICATED"]
    assert Account.objects.exists()


def test_what_fails_half_way_deletes_nothing(graphql, somebody, monkeypatch):
    """One transaction."""
    before = {label: rows for label, rows in everything().items() if label != "accounts.SecurityEvent"}

    def fails(*_args, **_kwargs):
        raise RuntimeError

    monkeypatch.setattr(deletion.events, "record", fails)

    assert graphql(DELETE, token=somebody.access_token).codes == ["INTERNAL_SERVER_ERROR"]
    assert before == {label: rows for label, rows in everything().items() if label != "accounts.SecurityEvent"}


# The cookie


def test_the_cookie_is_cleared(default_client, account):
    """S51: with the attributes that it was set with."""
    ours = {"Origin": "http://localhost:5173", "X-Requested-With": "fetch", "Sec-Fetch-Site": "same-site"}
    jar = Browser()

    def post(query, **options):
        return jar.post("/graphql", json.dumps(query), content_type="application/json", secure=True, **options)

    given = {"email": account.email, "password": PASSWORD, "refreshTokenTransport": "COOKIE"}
    signed_in = post({"query": TOKEN_AUTH, "variables": {"input": given}}, headers=ours)
    token = signed_in.json()["data"]["tokenAuth"]["tokens"]["accessToken"]

    gone = post({"query": DELETE}, headers={**ours, "Authorization": f"Bearer {token}"})

    assert gone.json()["data"]["deleteAccount"]["errors"] == []
    cookie = gone.cookies["__Host-refresh_token"]
    assert (cookie.value, cookie["max-age"], cookie["path"], cookie["secure"]) == ("", 0, "/", True)


def test_somebody_elses_cookie_stays(signed_in_browser, bearer):
    """Who signed in meanwhile in another tab stays signed in."""
    other = make_account()
    signed_in_browser(TOKEN_AUTH, input={"email": other.email, **CREDENTIALS})

    response, data = signed_in_browser(DELETE, headers=bearer)

    assert data["deleteAccount"]["errors"] == []
    assert list(Account.objects.all()) == [other]
    assert not response.cookies
    assert signed_in_browser(REFRESH)[1]["refreshToken"]["errors"] == []


# Apple


@pytest.fixture
def at_apple(sign_in, providers, graphql):
    """Somebody with an identity at Apple; the token was used before."""
    account = make_account()
    UserSocialAuth.objects.create(user=account, provider="apple-id", uid=APPLE_SUBJECT)
    signed_in = sign_in(account)
    graphql(ME, token=signed_in.access_token)
    return signed_in


@pytest.mark.parametrize("app", [APPLE_APP, APPLE_CLIENT])
def test_apple_is_told_before_the_account_goes(delete, at_apple, providers, app):
    """The code of an app is redeemed as that app, and what came for it is revoked."""
    apple = providers["apple"]

    payload = delete(at_apple, appleCode=apple.code(client=app))

    assert payload["errors"] == []
    assert providers.paths[-1] == "revoke"
    assert not Account.objects.exists()
    assert list(apple.refresh_tokens) == apple.revoked
    assert apple.refresh_tokens[apple.revoked[0]] == app
    assert providers.asked[-1].form["token_type_hint"] == "refresh_token"


@pytest.mark.parametrize(
    "code",
    [
        lambda apple: "no-such-code",
        lambda apple: "",
        lambda apple: "é",
        lambda apple: "x" * 5000,
        lambda apple: apple.code(client=APPLE_APP, sub="001544.somebody.else"),
        lambda apple: apple.code(redirect_uri="https://a.example", client=APPLE_CLIENT),
        lambda apple: apple.code(client=APPLE_APP, id_token={"aud": "com.example.other"}),
    ],
    ids=["unknown", "empty", "not ascii", "too long", "of somebody else", "of a page", "of another app"],
)
def test_what_is_no_code_of_this_person_deletes_nothing(delete, at_apple, providers, code):
    """S36: and revokes nothing. An empty one is none."""
    apple = providers["apple"]
    presented = code(apple)

    if not presented:
        assert delete(at_apple, appleCode=presented)["errors"] == []
        assert providers.asked == []
        return
    with nothing_changes():
        payload = delete(at_apple, appleCode=presented)
    assert (payload["scheduledFor"], refusals(payload)) == (None, [("PROVIDER_REJECTED", FIELD)])
    assert apple.revoked == []


def test_a_code_is_for_accounts_with_an_identity_at_apple(delete, signed_in, providers, graphql):
    """Nobody is asked."""
    graphql(ME, token=signed_in.access_token)

    with nothing_changes():
        payload = delete(signed_in, appleCode=providers["apple"].code(client=APPLE_APP))
    assert refusals(payload) == [("PROVIDER_REJECTED", FIELD)]
    assert providers.asked == []


@pytest.mark.parametrize("endpoint", ["token", "revoke"])
@pytest.mark.parametrize("fault", [faults.internal_error, faults.hangs_up, faults.html, faults.too_many_requests])
def test_when_apple_fails_nothing_is_deleted(delete, at_apple, providers, endpoint, fault):
    """S37: and one can try again with another code."""
    providers.faults[endpoint] = fault

    with nothing_changes():
        payload = delete(at_apple, appleCode=providers["apple"].code(client=APPLE_APP))
    assert codes(payload) == ["PROVIDER_UNAVAILABLE"]


def test_a_wrong_key_of_ours_is_no_fault_of_the_code(delete, at_apple, providers, reconfigure):
    """Operators hear of it in the log."""
    reconfigure("apple-id", key_id="another")

    with nothing_changes():
        payload = delete(at_apple, appleCode=providers["apple"].code(client=APPLE_APP))
    assert codes(payload) == ["PROVIDER_UNAVAILABLE"]


def test_without_a_key_apple_cannot_be_told(delete, at_apple, providers, reconfigure):
    """There is nothing to sign our secret with."""
    reconfigure("apple-id", private_key="")

    with nothing_changes():
        assert codes(delete(at_apple, appleCode="some-code")) == ["PROVIDER_UNAVAILABLE"]


def test_codes_cannot_be_tried_without_end(delete, at_apple, limit_converting):
    """S56: each attempt costs requests to Apple. They are limited as sign-ins through providers are."""
    limit_converting(3)

    payloads = [delete(at_apple, appleCode="no-such-code") for _ in range(4)]

    assert list(map(codes, payloads)) == [["PROVIDER_REJECTED"]] * 3 + [["RATE_LIMITED"]]
    assert Account.objects.exists()


def test_neither_code_nor_tokens_are_logged_or_stored(delete, at_apple, providers, caplog):
    """S15, S47: at the most talkative level."""
    caplog.set_level(logging.DEBUG)
    apple = providers["apple"]
    other = apple.code(client=APPLE_APP, sub="001544.somebody.else")
    delete(at_apple, appleCode=other)
    code = apple.code(client=APPLE_APP)
    delete(at_apple, appleCode=code)

    secrets = [code, other, *apple.refresh_tokens, *apple.tokens, APPLE_SUBJECT]
    assert apple.revoked
    assert [secret for secret in secrets if secret in caplog.text] == []
    assert found(secrets) == {}


# Over HTTP


def rows(live) -> int:
    """How many rows are left of people and their tokens."""
    models = "Account, Session, Challenge, AccessToken, RefreshToken, UserSocialAuth"
    program = (
        "from accounts.models import Account, Session, Challenge\n"
        "from accounts.tokens.api import AccessToken, RefreshToken\n"
        "from social_django.models import UserSocialAuth\n"
        f"print('rows:', sum(model.objects.count() for model in ({models})))"
    )
    return int(live.manage("shell", "-c", program).rpartition("rows:")[2])


def test_nothing_that_happens_meanwhile_is_left_behind(tmp_path):
    """Refreshes, sign-ins and changes at the same moment: each succeeds before or fails after, none with a 5xx."""
    update = 'mutation { updateAccount(input: {firstName: "Q"}) { errors { code } } }'
    with serving(tmp_path, WORKERS="2", THREADS="32") as live:
        for person in range(5):
            given = {
                "email": f"p{person}@example.com",
                "username": f"p{person}",
                "firstName": "P",
                "password": PASSWORD,
            }
            pair = live.post(REGISTER, input=given)[1]["data"]["register"]["tokens"]
            sign_in = {"email": given["email"], "password": PASSWORD}
            other = live.post(TOKEN_AUTH, input=sign_in)[1]["data"]["tokenAuth"]["tokens"]
            bearer = {"Authorization": f"Bearer {other['accessToken']}"}
            refresh = {"refreshToken": pair["refreshToken"]}
            calls = [
                partial(live.post, DELETE, headers=bearer),
                *[partial(live.post, REFRESH, input=refresh)] * 2,
                *[partial(live.post, TOKEN_AUTH, input=sign_in)] * 2,
                partial(live.post, update, headers=bearer),
                partial(live.post, ME, headers=bearer),
            ]
            calls = calls[person:] + calls[:person]
            with ThreadPoolExecutor(len(calls)) as pool:
                answers = list(pool.map(lambda call: call(), calls))

            assert {status for status, _body in answers} <= {200, 401}
            assert codes(live.post(TOKEN_AUTH, input=sign_in)[1]["data"]["tokenAuth"]) == ["INVALID_CREDENTIALS"]

        assert rows(live) == 0


def test_a_social_sign_in_meanwhile_finds_the_account_or_creates_another(tmp_path, providers):
    """Never a server error, and never tokens of an account that is gone."""
    with serving(tmp_path, WORKERS="2", THREADS="32", **providers.environment) as live:

        def convert(person):
            token = providers.google_token(sub=f"s{person}", email=f"s{person}@example.com")
            return live.post(CONVERT, input={"provider": "google", "credential": {"accessToken": token}})

        for person in range(5):
            tokens = convert(person)[1]["data"]["convertSocialToken"]["tokens"]
            bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
            with ThreadPoolExecutor(4) as pool:
                gone = pool.submit(live.post, DELETE, headers=bearer)
                answers = [pool.submit(convert, person) for _ in range(3)]
                assert gone.result()[1]["data"]["deleteAccount"]["errors"] == []

            assert {answer.result()[0] for answer in answers} == {200}
            status, body = convert(person)
            assert (status, body["data"]["convertSocialToken"]["errors"]) == (200, [])
            new = {"Authorization": f"Bearer {body['data']['convertSocialToken']['tokens']['accessToken']}"}
            assert live.post(ME, headers=new)[1]["data"]["me"]["email"] == f"s{person}@example.com"
            assert live.post(ME, headers=bearer)[0] == 401
            assert live.post(DELETE, headers=new)[1]["data"]["deleteAccount"]["errors"] == []

        assert rows(live) == 0

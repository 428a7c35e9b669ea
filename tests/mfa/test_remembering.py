"""A browser that its holder has remembered is not asked for a second factor for a while; nobody else profits."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyotp
import pytest
import time_machine
from django.utils import timezone

from accounts.conf import MfaRequired, latchkey
from accounts.factors import remembering
from accounts.factors.models import FactorReset, RememberedBrowser, Totp
from accounts.guard.models import SecurityEvent
from accounts.mfa import resetting
from accounts.people.models import Account
from accounts.shared.single_use import digest_of
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import Session
from tests.api import AUTH_PAYLOAD, PASSWORD, REVOKE, Answer, codes
from tests.authenticator import Authenticator
from tests.browser import Browser
from tests.factories import make_account
from tests.factors.test_totp import set_up
from tests.mfa.enrolled import with_codes
from tests.passkeys.calls import add, begun, creation
from tests.providers.stored import nothing_changes
from tests.reauthentication.test_sensitive import document

NAME = "__Host-remembered_browser"
OURS = {"Origin": "http://localhost:5173", "X-Requested-With": "fetch", "Sec-Fetch-Site": "same-site"}
FOREIGN = [
    {**OURS, "Origin": "https://evil.example"},
    {**OURS, "Sec-Fetch-Site": "cross-site"},
    {"Origin": OURS["Origin"]},
]
SIGN_IN = (
    "mutation ($input: TokenAuthInput!)"
    f" {{ tokenAuth(input: $input) {{ {AUTH_PAYLOAD} challenge {{ __typename token }} }} }}"
)
ANSWER = f"mutation ($input: AnswerMfaChallengeInput!) {{ answerMfaChallenge(input: $input) {{ {AUTH_PAYLOAD} }} }}"
SESSIONS = "{ me { sessions { nodes { id isCurrent remembersBrowser } } } }"
DAYS = 30

Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def allowed(settings) -> None:
    """The service allows it."""
    settings.LATCHKEY = replace(latchkey(), mfa_remember_days=DAYS)


@pytest.fixture
def new_browser(default_client) -> Callable[[], Call]:
    """Open a browser, which keeps its cookies and calls over TLS: `browser(query, …)` gives response and data."""

    def opened() -> Call:
        jar = Browser()

        def call(query: str, *, headers: dict[str, str] = OURS, token: str = "", **variables: Any) -> Any:
            body = json.dumps({"query": query, "variables": variables})
            all_headers = {**headers, **({"Authorization": f"Bearer {token}"} if token else {})}
            response = jar.post("/graphql", body, content_type="application/json", headers=all_headers, secure=True)
            return response, response.json()["data"]

        call.jar = jar  # type: ignore[attr-defined]
        return call

    return opened


@pytest.fixture
def browser(new_browser) -> Call:
    """The holder's."""
    return new_browser()  # type: ignore[no-any-return]


@pytest.fixture
def holder() -> Account:
    """Somebody with an authenticator app."""
    return with_app()


def with_app() -> Account:
    """An account with an authenticator app."""
    account = make_account(email_verified=True)
    account.secret = set_up(account)
    return account


def sign_in(browser: Call, account: Account, *, headers: dict[str, str] = OURS, transport: str = "COOKIE") -> Any:
    """Show the password: the payload."""
    given = {"email": account.email, "password": PASSWORD, "refreshTokenTransport": transport}
    return browser(SIGN_IN, headers=headers, input=given)[1]["tokenAuth"]


def answer(browser: Call, account: Account, payload: Any, **given: Any) -> Any:
    """Show the app's code: the response and its payload."""
    Totp.objects.update(last_step=-1)
    code = pyotp.TOTP(account.secret).now()
    given = {"challengeToken": payload["challenge"]["token"], "factor": {"totpCode": code}, **given}
    response, data = browser(ANSWER, input=given)
    return response, data["answerMfaChallenge"]


def remembered(browser: Call, account: Account) -> str:
    """Sign in and have the browser remembered: the access token."""
    response, payload = answer(browser, account, sign_in(browser, account), rememberBrowser=True)
    assert payload["errors"] == []
    assert response.cookies[NAME].value
    return str(payload["tokens"]["accessToken"])


def asked(browser: Call, account: Account) -> bool:
    """Whether the next sign-in is asked for the factor."""
    payload = sign_in(browser, account)
    assert codes(payload) in ([], ["MFA_REQUIRED"])
    return bool(payload["errors"])


def test_it_is_the_persons_choice(browser, holder):
    """Nothing is remembered that nobody asked for."""
    response, payload = answer(browser, holder, sign_in(browser, holder))

    assert payload["errors"] == []
    assert NAME not in response.cookies
    assert not RememberedBrowser.objects.exists()
    assert asked(browser, holder)


def test_the_browser_is_not_asked_again(browser, holder):
    """Its cookie is one that scripts cannot read; the database knows the token's digest alone (S15)."""
    response, payload = answer(browser, holder, sign_in(browser, holder), rememberBrowser=True)

    cookie = response.cookies[NAME]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Strict", "/")
    assert cookie["max-age"] == DAYS * 86400
    assert cookie.value not in response.content.decode()
    row = RememberedBrowser.objects.get()
    assert (row.digest, row.account) == (digest_of(cookie.value), holder)
    assert SecurityEvent.objects.get(type="mfa:browser:remember").subject == holder.pk
    assert payload["tokens"]
    assert not asked(browser, holder)


def test_the_password_is_still_needed(browser, holder):
    """It stands for the second factor alone."""
    remembered(browser, holder)
    given = {"email": holder.email, "password": "wrong", "refreshTokenTransport": "COOKIE"}

    assert codes(browser(SIGN_IN, input=given)[1]["tokenAuth"]) == ["INVALID_CREDENTIALS"]


def test_another_browser_is_asked(browser, new_browser, holder):
    """Of the same person."""
    remembered(browser, holder)

    assert asked(new_browser(), holder)


def test_another_account_is_asked_in_it(browser, holder):
    """The token of A does nothing for B, and B's sign-in leaves it alone."""
    remembered(browser, holder)
    before = RememberedBrowser.objects.values().get()

    assert asked(browser, with_app())
    assert RememberedBrowser.objects.values().get() == before
    assert not asked(browser, holder)


def test_each_sign_in_replaces_the_token(browser, new_browser, holder):
    """Whoever copied the cookie is asked once its browser has used it."""
    remembered(browser, holder)
    thief = new_browser()
    thief.jar.cookies[NAME] = browser.jar.cookies[NAME].value
    assert not asked(browser, holder)

    assert browser.jar.cookies[NAME].value != thief.jar.cookies[NAME].value
    assert asked(thief, holder)
    assert not asked(browser, holder)


def test_a_new_token_lives_no_longer_than_the_first(browser, holder):
    """A factor is shown every MFA_REMEMBER_DAYS."""
    remembered(browser, holder)
    begun = timezone.now()

    with time_machine.travel(begun + timedelta(days=DAYS, seconds=-60)):
        assert not asked(browser, holder)
        assert browser.jar.cookies[NAME]["max-age"] <= 60
    with time_machine.travel(begun + timedelta(days=DAYS, seconds=60)):
        assert asked(browser, holder)


@pytest.mark.parametrize("days", [0, 1])
def test_a_setting_that_is_lowered_counts_at_once(browser, holder, settings, days):
    """For browsers that were remembered before, too."""
    remembered(browser, holder)
    settings.LATCHKEY = replace(latchkey(), mfa_remember_days=days)

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert asked(browser, holder)


def test_a_service_that_does_not_allow_it_ignores_the_wish(browser, holder, settings):
    """The sign-in succeeds."""
    settings.LATCHKEY = replace(latchkey(), mfa_remember_days=0)

    response, payload = answer(browser, holder, sign_in(browser, holder), rememberBrowser=True)

    assert payload["errors"] == [] and NAME not in response.cookies
    assert not RememberedBrowser.objects.exists()


def test_a_sign_in_without_the_cookie_transport_ignores_the_wish(browser, holder):
    """An app has no browser to remember."""
    payload = sign_in(browser, holder, transport="BODY")
    response, payload = answer(browser, holder, payload, rememberBrowser=True)

    assert payload["errors"] == [] and NAME not in response.cookies
    assert not RememberedBrowser.objects.exists()


def test_the_cookie_counts_with_the_cookie_transport_only(browser, holder):
    """A script that gets the tokens into its hands shows the factor."""
    remembered(browser, holder)

    assert codes(sign_in(browser, holder, transport="BODY")) == ["MFA_REQUIRED"]
    assert not asked(browser, holder)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_the_cookie_does_not_count_from_elsewhere(browser, holder, headers):
    """S51: the browser sends it whoever asks. It is not used up."""
    remembered(browser, holder)

    with nothing_changes():
        assert codes(sign_in(browser, holder, headers=headers)) == ["TRANSPORT_NOT_ALLOWED"]
    assert codes(sign_in(browser, holder, headers=headers, transport="BODY")) == ["MFA_REQUIRED"]
    assert not asked(browser, holder)


@pytest.mark.parametrize(
    "header",
    [
        "{name}={token}; {name}={token}",
        "{name}={token}; {name}=other",
        "\u2000{name}={token}",
        "\u00a0{name}={token}",
        "{name}\u00a0={token}",
        "{lower}={token}",
        "remembered_browser={token}",
        "{name}={long}",
        "{name}=",
    ],
)
def test_the_cookie_counts_by_exact_bytes_and_if_it_comes_once(browser, holder, header):
    """S91: a neighbour's cookie that a lax parser takes for this one."""
    remembered(browser, holder)
    token = browser.jar.cookies[NAME].value
    browser.jar.cookies.clear()
    sent = header.format(name=NAME, lower=NAME.lower(), token=token, long=token * 50)

    assert codes(sign_in(browser, holder, headers={**OURS, "Cookie": sent})) == ["MFA_REQUIRED"]
    assert codes(sign_in(browser, holder, headers={**OURS, "Cookie": f"other=1;  {NAME}={token}"})) == []


def test_it_never_stands_for_setting_a_factor_up(browser, holder, settings):
    """Where one is required, and was taken away meanwhile."""
    remembered(browser, holder)
    Totp.objects.all().delete()
    settings.LATCHKEY = replace(latchkey(), mfa_required_for=MfaRequired.ALL)

    assert codes(sign_in(browser, holder)) == ["MFA_ENROLLMENT_REQUIRED"]


def test_it_opens_nothing_sensitive(browser, holder):
    """S88: the session has shown no factor."""
    remembered(browser, holder)
    token = sign_in(browser, holder)["tokens"]["accessToken"]

    _response, data = browser(document("requestEmailChange"), token=token, input={"newEmail": "new@example.com"})

    assert codes(data["requestEmailChange"]) == ["REAUTHENTICATION_REQUIRED"]
    assert Session.objects.order_by("-created_at")[0].factor_proved_at is None


def test_the_holder_sees_in_which_session_it_is_remembered(browser, new_browser, holder):
    """The last one that it began."""
    token = remembered(browser, holder)
    answer(elsewhere := new_browser(), holder, sign_in(elsewhere, holder))

    def marks() -> dict[bool, bool]:
        nodes = browser(SESSIONS, token=token)[1]["me"]["sessions"]["nodes"]
        return {node["isCurrent"]: node["remembersBrowser"] for node in nodes}

    assert marks() == {True: True, False: False}
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        assert not asked(browser, holder)
    assert sum(node["remembersBrowser"] for node in browser(SESSIONS, token=token)[1]["me"]["sessions"]["nodes"]) == 1
    assert marks()[True] is False


def test_signing_out_keeps_it(browser, holder):
    """Who comes back the next day is not asked."""
    remembered(browser, holder)
    browser(REVOKE)
    assert not Session.objects.exists()

    assert not asked(browser, holder)


@pytest.mark.parametrize("mutation", ["revokeSession", "revokeOtherSessions", "revokeAllSessions", "changePassword"])
def test_what_throws_sessions_out_forgets_it(browser, new_browser, holder, mutation):
    """By the holder, elsewhere; a password that is changed forgets the browser in which it is, too."""
    remembered(browser, holder)
    elsewhere = new_browser()
    _response, payload = answer(elsewhere, holder, sign_in(elsewhere, holder))
    token = payload["tokens"]["accessToken"]
    nodes = elsewhere(SESSIONS, token=token)[1]["me"]["sessions"]["nodes"]
    given = {
        "revokeSession": {"id": next(node["id"] for node in nodes if node["remembersBrowser"])},
        "changePassword": {"currentPassword": PASSWORD, "newPassword": "a passphrase of the holder"},
    }.get(mutation)

    query = document(mutation) if mutation != "revokeAllSessions" else "mutation { revokeAllSessions { revokedCount } }"
    _response, data = elsewhere(query, token=token, **({"input": given} if given else {}))

    assert not data[mutation].get("errors")
    assert not RememberedBrowser.objects.exists()


def change_factors(how: str, browser: Call, token: str, account: Account) -> Any:
    """The payload of a change, in the session of this token."""

    def graphql(query: str, *, token: str | None = None, **variables: Any) -> Any:
        response, _data = browser(query, token=token or "", **variables)
        return Answer(response.status_code, response.json(), response.headers)

    if how in {"disableTotp", "regenerateRecoveryCodes"}:
        return graphql(document(how), token=token).data[how]
    if how == "reset by staff":
        FactorReset.objects.create(account=account, reason="lost", effective_at=timezone.now())
        assert resetting.carry_out(Account.objects.get(pk=account.pk))
        return {"errors": []}
    added = add(graphql, token, creation(begun(graphql, token), Authenticator()))
    if how == "removePasskey":
        RememberedBrowser.objects.create(digest="x", account=account, expires_at=timezone.now() + timedelta(days=1))
        return graphql(document(how), token=token, input={"id": added["passkey"]["id"]}).data[how]
    return added


@pytest.mark.parametrize(
    "how", ["disableTotp", "regenerateRecoveryCodes", "addPasskey", "removePasskey", "reset by staff"]
)
def test_a_change_of_factors_forgets_it(browser, holder, how):
    """Whatever was remembered, was with the factors from before."""
    token = remembered(browser, holder)

    assert change_factors(how, browser, token, holder)["errors"] == []
    assert not RememberedBrowser.objects.exists()


def test_a_recovery_code_that_is_used_leaves_it(browser, new_browser, holder):
    """Nothing was changed."""
    remembered(browser, holder)
    elsewhere = new_browser()
    code, *_others = with_codes(holder)

    assert answer(elsewhere, holder, sign_in(elsewhere, holder), factor={"recoveryCode": code})[1]["errors"] == []
    assert not asked(browser, holder)


def test_throwing_another_session_out_leaves_it(browser, new_browser, holder):
    """Only the browser of that session is asked again."""
    token = remembered(browser, holder)
    answer(elsewhere := new_browser(), holder, sign_in(elsewhere, holder))
    nodes = browser(SESSIONS, token=token)[1]["me"]["sessions"]["nodes"]
    other = next(node["id"] for node in nodes if not node["isCurrent"])

    browser(document("revokeSession"), token=token, input={"id": other})

    assert not asked(browser, holder)


def test_staff_that_ends_the_session_forgets_it(browser, holder):
    """And your own code, by `bearer_tokens.end_session`."""
    remembered(browser, holder)

    bearer_tokens.end_session(Session.objects.get())

    assert not RememberedBrowser.objects.exists()


def test_a_stolen_refresh_token_forgets_it(browser, holder):
    """S17: whoever has a copy of one cookie may have that of the other."""
    remembered(browser, holder)
    copied = browser.jar.cookies["__Host-refresh_token"].value
    refresh = "mutation { refreshToken { tokens { accessToken } errors { code } } }"
    for _ in range(2):
        assert codes(browser(refresh)[1]["refreshToken"]) == []
    browser.jar.cookies["__Host-refresh_token"] = copied

    assert codes(browser(refresh)[1]["refreshToken"]) == ["INVALID_GRANT"]
    assert not RememberedBrowser.objects.exists()


def test_one_that_is_forgotten_between_the_steps_is_asked(browser, holder, monkeypatch):
    """Also if another sign-in has used its token just now: of two at once, one passes."""
    remembered(browser, holder)
    is_remembered = remembering.is_remembered

    def look_and_use(token: str, account: Account) -> bool:
        found = is_remembered(token, account)
        RememberedBrowser.objects.update(digest="used")
        return found

    monkeypatch.setattr(remembering, "is_remembered", look_and_use)
    before = Session.objects.count()

    assert asked(browser, holder)
    assert Session.objects.count() == before


def test_to_remember_it_again_replaces_it(browser, holder):
    """One browser is one row."""
    remembered(browser, holder)
    RememberedBrowser.objects.update(created_at=timezone.now() - timedelta(days=DAYS + 1))

    remembered(browser, holder)

    assert RememberedBrowser.objects.count() == 1


def test_an_account_has_a_bounded_number(new_browser, holder, monkeypatch):
    """The one that was remembered first is asked again."""
    monkeypatch.setattr(remembering, "MOST", 2)
    browsers = [new_browser() for _ in range(3)]
    for browser in browsers:
        remembered(browser, holder)
        RememberedBrowser.objects.update(created_at=timezone.now())

    assert RememberedBrowser.objects.filter(account=holder).count() == 2
    assert not asked(browsers[2], holder)

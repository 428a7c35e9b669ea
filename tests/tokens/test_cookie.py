"""The refresh token in a cookie: who may use it, and that scripts never see it."""

import json

import pytest

from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, REFRESH, REGISTER, REVOKE, TOKEN_AUTH
from tests.browser import Browser
from tests.factories import make_account

ORIGIN = "http://localhost:5173"
OURS = {"Origin": ORIGIN, "X-Requested-With": "fetch", "Sec-Fetch-Site": "same-site"}
CREDENTIALS = {"password": PASSWORD, "refreshTokenTransport": "COOKIE"}
NAME = "__Host-refresh_token"
END = "mutation ($input: RevokeSessionInput!) { revokeSession(input: $input) { errors { code } } }"
END_OTHERS = "mutation { revokeOtherSessions { errors { code } } }"
END_ALL = "mutation { revokeAllSessions { revokedCount } }"


@pytest.fixture
def browser(default_client):
    """A browser that keeps cookies and calls over TLS: `browser(query, headers=…, **variables)`."""
    jar = Browser()

    def call(query, *, headers=OURS, secure=True, **variables):
        body = json.dumps({"query": query, "variables": variables})
        response = jar.post("/graphql", body, content_type="application/json", headers=headers, secure=secure)
        return response, response.json()["data"]

    call.jar = jar
    return call


@pytest.fixture
def signed_in_browser(browser, account):
    """Signed in with the cookie."""
    browser(TOKEN_AUTH, input={"email": account.email, **CREDENTIALS})
    return browser


def test_the_refresh_token_is_in_the_cookie_and_not_in_the_body(browser, account):
    """S51."""
    response, data = browser(TOKEN_AUTH, input={"email": account.email, **CREDENTIALS})

    cookie = response.cookies[NAME]
    assert data["tokenAuth"]["tokens"]["refreshToken"] is None
    assert cookie.value and cookie.value not in response.content.decode()
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert cookie["max-age"] == data["tokenAuth"]["tokens"]["refreshTokenExpiresIn"]


def test_a_refresh_reads_the_cookie_and_sets_the_next(signed_in_browser):
    """The new token travels as the old one did."""
    before = signed_in_browser.jar.cookies[NAME].value

    response, data = signed_in_browser(REFRESH)

    assert data["refreshToken"]["errors"] == []
    assert data["refreshToken"]["tokens"]["refreshToken"] is None
    assert response.cookies[NAME].value not in {"", before}


def test_a_client_can_have_the_cookie_as_its_default(browser, account):
    """Per client, and a call can still say otherwise."""
    Client.objects.update(refresh_token_transport="COOKIE")

    _, by_default = browser(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD})
    _, asked = browser(TOKEN_AUTH, input={"email": account.email, **CREDENTIALS, "refreshTokenTransport": "BODY"})

    assert by_default["tokenAuth"]["tokens"]["refreshToken"] is None
    assert asked["tokenAuth"]["tokens"]["refreshToken"]


FOREIGN = [
    {**OURS, "Origin": "https://evil.example"},
    {**OURS, "Origin": "null"},
    {**OURS, "Origin": f"{ORIGIN}.evil.example"},
    {**OURS, "Sec-Fetch-Site": "cross-site"},
    {**OURS, "Sec-Fetch-Site": "none"},
    {"Origin": ORIGIN},
    {"X-Requested-With": "fetch"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_nobody_is_signed_in_by_cookie_from_elsewhere(browser, account, headers):
    """S51: TRANSPORT_NOT_ALLOWED, no silent fallback, no session."""
    response, data = browser(TOKEN_AUTH, headers=headers, input={"email": account.email, **CREDENTIALS})

    assert [e["code"] for e in data["tokenAuth"]["errors"]] == ["TRANSPORT_NOT_ALLOWED"]
    assert data["tokenAuth"]["errors"][0]["field"] == ["refreshTokenTransport"]
    assert not response.cookies
    assert not Session.objects.exists()


def test_nobody_is_registered_by_cookie_from_elsewhere(browser, django_user_model):
    """Told before anything is done."""
    fields = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", **CREDENTIALS}
    _, data = browser(REGISTER, headers=FOREIGN[0], input=fields)

    assert [e["code"] for e in data["register"]["errors"]] == ["TRANSPORT_NOT_ALLOWED"]
    assert not django_user_model.objects.exists()


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_the_cookie_is_not_spent_from_elsewhere(signed_in_browser, headers):
    """S51: the browser sends it whoever asks; the session is as it was."""
    response, data = signed_in_browser(REFRESH, headers=headers)

    assert [e["code"] for e in data["refreshToken"]["errors"]] == ["TRANSPORT_NOT_ALLOWED"]
    assert not response.cookies
    assert signed_in_browser(REFRESH)[1]["refreshToken"]["errors"] == []


def test_plain_http_is_no_transport_for_it(browser, account, settings):
    """Outside development the cookie would not be stored, or would travel in the clear."""
    settings.DEVELOPMENT = False
    settings.SECURE_SSL_REDIRECT = False

    _, data = browser(TOKEN_AUTH, secure=False, input={"email": account.email, **CREDENTIALS})

    assert [e["code"] for e in data["tokenAuth"]["errors"]] == ["TRANSPORT_NOT_ALLOWED"]


def test_on_loopback_in_development_the_cookie_drops_its_prefix_and_secure(browser, account, settings):
    """And nowhere else."""
    settings.ALLOWED_HOSTS = ["localhost"]
    headers = {**OURS, "Host": "localhost:8000"}

    response, data = browser(TOKEN_AUTH, headers=headers, secure=False, input={"email": account.email, **CREDENTIALS})

    assert data["tokenAuth"]["errors"] == []
    cookie = response.cookies["refresh_token"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == ("", True, "Strict")
    assert browser(REFRESH, headers=headers, secure=False)[1]["refreshToken"]["errors"] == []


def test_a_refused_refresh_leaves_the_cookie_alone(signed_in_browser):
    """S69: another tab may have just set a good one."""
    signed_in_browser.jar.cookies[NAME] = "no-such-token"

    response, data = signed_in_browser(REFRESH)

    assert [e["code"] for e in data["refreshToken"]["errors"]] == ["INVALID_GRANT"]
    assert not response.cookies


def test_no_cookie_is_no_attempt(browser, django_assert_num_queries):
    """INVALID_GRANT, without a query."""
    with django_assert_num_queries(0):
        _, data = browser(REFRESH)

    assert [e["code"] for e in data["refreshToken"]["errors"]] == ["INVALID_GRANT"]


def test_signing_out_ends_the_session_of_the_cookie_and_clears_it(signed_in_browser):
    """With the attributes it was set with, else the browser keeps it."""
    response, data = signed_in_browser(REVOKE)

    cookie = response.cookies[NAME]
    assert data["revokeToken"]["errors"] == []
    assert (cookie.value, cookie["max-age"], cookie["secure"], cookie["path"]) == ("", 0, True, "/")
    assert not Session.objects.exists()


def test_a_foreign_page_cannot_sign_anybody_out(signed_in_browser):
    """The cookie is not looked at."""
    response, data = signed_in_browser(REVOKE, headers=FOREIGN[0])

    assert data["revokeToken"]["errors"] == []
    assert not response.cookies
    assert Session.objects.count() == 1


def test_the_cookie_alone_authenticates_nothing(signed_in_browser):
    """It refreshes; only a Bearer token says who one is."""
    assert signed_in_browser(ME)[1]["me"] is None


@pytest.fixture
def bearer(signed_in_browser):
    """The access token that belongs to the cookie, as headers of one of our pages."""
    tokens = signed_in_browser(REFRESH)[1]["refreshToken"]["tokens"]
    return {**OURS, "Authorization": f"Bearer {tokens['accessToken']}"}


def test_signing_out_everywhere_clears_the_cookie(signed_in_browser, bearer):
    """S21: with the attributes it was set with."""
    response, data = signed_in_browser(END_ALL, headers=bearer)

    cookie = response.cookies[NAME]
    assert data["revokeAllSessions"] == {"revokedCount": 1}
    assert (cookie.value, cookie["max-age"], cookie["secure"], cookie["path"]) == ("", 0, True, "/")
    assert not Session.objects.exists()


@pytest.mark.parametrize("current", [True, False])
def test_ending_a_session_clears_the_cookie_if_it_is_the_current_one(signed_in_browser, bearer, graphql, current):
    """Of another, the browser has no cookie."""
    if not current:
        account = Session.objects.get().account
        graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD})
    listed = signed_in_browser("{ me { sessions { nodes { id isCurrent } } } }", headers=bearer)[1]
    [id_] = [node["id"] for node in listed["me"]["sessions"]["nodes"] if node["isCurrent"] is current]

    response, data = signed_in_browser(END, headers=bearer, input={"id": id_})

    assert data["revokeSession"]["errors"] == []
    assert (NAME in response.cookies) is current


def test_ending_the_other_sessions_leaves_the_cookie(signed_in_browser, bearer):
    """The session goes on in this browser."""
    response, data = signed_in_browser(END_OTHERS, headers=bearer)

    assert data["revokeOtherSessions"]["errors"] == []
    assert not response.cookies
    assert signed_in_browser(REFRESH)[1]["refreshToken"]["errors"] == []


def test_signing_out_everywhere_leaves_somebody_elses_cookie(signed_in_browser, bearer):
    """Who signed in meanwhile in another tab stays signed in."""
    signed_in_browser(TOKEN_AUTH, input={"email": make_account().email, **CREDENTIALS})

    response, _data = signed_in_browser(END_ALL, headers=bearer)

    assert not response.cookies
    assert signed_in_browser(REFRESH)[1]["refreshToken"]["errors"] == []


def test_a_page_that_may_not_use_the_cookie_signs_out_everywhere_without_it(signed_in_browser, bearer):
    """Its Bearer token is enough; the cookie that is left opens nothing."""
    response, data = signed_in_browser(END_ALL, headers={"Authorization": bearer["Authorization"]})

    assert data["revokeAllSessions"]["revokedCount"] == 1
    assert not response.cookies
    assert signed_in_browser(REFRESH)[1]["refreshToken"]["errors"][0]["code"] == "INVALID_GRANT"

"""A browser that is remembered, over real HTTP and through the whole middleware (S81)."""

from collections.abc import Iterator
from typing import Any

import pyotp
import pytest
import requests

from tests.api import PASSWORD, REGISTER, codes
from tests.e2e.test_refresh_race import at_once
from tests.live import UNLIMITED, Live, serving
from tests.mfa.test_remembering import ANSWER, SESSIONS, SIGN_IN

ADA = {"email": "ada@example.com", "password": PASSWORD, "refreshTokenTransport": "COOKIE"}
NAME = "remembered_browser"
"""On loopback in development, where browsers store no `__Host-` cookie."""
BEGIN = "mutation { createTotpEnrollment { enrollment { token secret } errors { code } } }"
CONFIRM = """
mutation ($input: ConfirmTotpEnrollmentInput!) {
  confirmTotpEnrollment(input: $input) { recoveryCodes errors { code } }
}
"""


class Page:
    """A page of ours in a browser of its own."""

    def __init__(self, live: Live) -> None:
        self.url = f"{live.url}/graphql"
        self.session = requests.Session()
        self.session.headers.update({"Origin": live.url, "X-Requested-With": "fetch"})

    def ask(self, query: str, **variables: Any) -> tuple[Any, requests.Response]:
        """The first field of the data, and the response; keeps the access token."""
        response = self.session.post(self.url, json={"query": query, "variables": variables}, timeout=60)
        [payload] = response.json()["data"].values()
        if payload.get("tokens"):
            self.session.headers["Authorization"] = f"Bearer {payload['tokens']['accessToken']}"
        return payload, response


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server that lets browsers be remembered: two processes with eight threads each."""
    given = {"MFA_REMEMBER_DAYS": "30", "WORKERS": "2", "THREADS": "8", **UNLIMITED}
    with serving(tmp_path_factory.mktemp("live"), **given) as server:
        yield server


def test_a_browser_is_remembered(live):
    """From the choice to the cookie, and from the cookie past the factor, once; in no other browser."""
    page = Page(live)
    response = remembered(page, set_up(page, live, ADA), ADA)
    [cookie] = [line for line in response.raw.headers.getlist("Set-Cookie") if line.startswith(f"{NAME}=")]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Max-Age=2592000" in cookie

    before = page.session.cookies[NAME]
    assert codes(page.ask(SIGN_IN, input=ADA)[0]) == []
    assert page.session.cookies[NAME] != before
    marks = [node["remembersBrowser"] for node in page.ask(SESSIONS)[0]["sessions"]["nodes"]]
    assert marks[0] is True and not any(marks[1:])

    assert codes(Page(live).ask(SIGN_IN, input=ADA)[0]) == ["MFA_REQUIRED"]
    thief = Page(live)
    thief.session.cookies[NAME] = before
    assert codes(thief.ask(SIGN_IN, input=ADA)[0]) == ["MFA_REQUIRED"]


def test_of_simultaneous_sign_ins_with_one_token_one_passes(live):
    """No 5xx, and the others are asked for the factor."""
    eve = {**ADA, "email": "eve@example.com"}
    page = Page(live)
    remembered(page, set_up(page, live, eve), eve)
    token = page.session.cookies[NAME]

    def sign_in() -> list[str]:
        tab = Page(live)
        tab.session.cookies[NAME] = token
        return codes(tab.ask(SIGN_IN, input=eve)[0])

    assert sorted(at_once(*[sign_in] * 8)) == [[], *[["MFA_REQUIRED"]] * 7]


def remembered(page: Page, recovery_codes: list[str], person: dict[str, str]) -> requests.Response:
    """Sign in with both factors, and have the browser remembered: the response."""
    waits, _response = page.ask(SIGN_IN, input=person)
    assert codes(waits) == ["MFA_REQUIRED"]
    given = {"challengeToken": waits["challenge"]["token"], "factor": {"recoveryCode": recovery_codes[0]}}
    payload, response = page.ask(ANSWER, input={**given, "rememberBrowser": True})
    assert payload["errors"] == []
    return response


def set_up(page: Page, live: Live, person: dict[str, str]) -> list[str]:
    """Register, verify the address, and set an authenticator app up: the recovery codes."""
    given = {**person, "username": person["email"].partition("@")[0], "firstName": "Somebody"}
    assert page.ask(REGISTER, input=given)[0]["errors"] == []
    live.manage("shell", "-c", "from accounts.models import Account; Account.objects.update(email_verified=True)")
    begun, _response = page.ask(BEGIN)
    secret = begun["enrollment"]["secret"]
    code = {"challengeToken": begun["enrollment"]["token"], "code": pyotp.TOTP(secret).now()}
    payload, _response = page.ask(CONFIRM, input=code)
    assert payload["errors"] == []
    found: list[str] = payload["recoveryCodes"]
    return found

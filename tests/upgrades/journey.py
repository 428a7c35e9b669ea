"""What people, programs and staff do with the service, over HTTP alone: for any address that serves it."""

import base64
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, Request, build_opener

from tests.api import CHANGE_PASSWORD, CONVERT, PASSWORD, REFRESH, REGISTER, REVOKE, TOKEN_AUTH

ME = "{ me { id email emailVerified firstName } }"
VERIFY = (
    "mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { account { emailVerified } errors { code } } }"
)
USERS = "query ($after: String) { users(first: 1, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
UPDATE = (
    "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { account { firstName } errors { code } } }"
)
SESSIONS = "{ me { sessions { nodes { id isCurrent } } securityEvents(first: 50) { nodes { type } } } }"
REVOKE_SESSION = "mutation ($input: RevokeSessionInput!) { revokeSession(input: $input) { errors { code } } }"
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class JourneyFailed(AssertionError):
    """The service did not do what it should. The text says what it did."""


def expect(condition: object, seen: object) -> None:
    """Fail the journey, also where assertions are switched off."""
    if not condition:
        raise JourneyFailed(str(seen))


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What a journey needs to know of the service."""

    url: str
    code_mailed_to: Callable[[str], str] = field(repr=False)
    """The newest code in the mails to an address."""
    id_token_for: Callable[[str], str] = field(repr=False)
    """A new person's ID token of `provider`, with this verified address."""
    provider: str
    staff: tuple[str, str] = field(repr=False)
    """E-mail address and password of a superuser."""
    resource_server: tuple[str, str] = field(repr=False)
    """Id and secret of a client that may introspect."""


@dataclass
class Person:
    """Somebody at one of the addresses that serve the service; `at` goes on at another one."""

    deployment: Deployment
    name: str = field(default_factory=lambda: f"u{uuid.uuid4().hex[:12]}")
    password: str = PASSWORD
    tokens: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.name}@example.com"

    def at(self, deployment: Deployment) -> "Person":
        """The same person with the same tokens."""
        return Person(deployment, self.name, self.password, self.tokens)

    def answer(self, query: str, *, signed_in: bool = True, **variables: Any) -> tuple[int, Any]:
        """Status and body."""
        headers = {"Content-Type": "application/json"}
        if signed_in and self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['accessToken']}"
        body = json.dumps({"query": query, "variables": variables}).encode()
        return _json(Request(f"{self.deployment.url}/graphql", body, headers))

    def data(self, query: str, *, signed_in: bool = True, **variables: Any) -> Any:
        """The one field of the answer, which succeeds."""
        status, body = self.answer(query, signed_in=signed_in, **variables)
        expect(status == 200 and "errors" not in body, (status, body))
        [value] = body["data"].values()
        expect(not (isinstance(value, dict) and value.get("errors")), value)
        return value

    def register(self) -> None:
        """Make the account, and confirm its address with the mailed code."""
        given = {"email": self.email, "username": self.name, "firstName": "Ada", "password": self.password}
        self.tokens = self.data(REGISTER, signed_in=False, input=given)["tokens"]
        code = self.deployment.code_mailed_to(self.email)
        expect(self.data(VERIFY, input={"code": code})["account"]["emailVerified"], "the address is not confirmed")

    def sign_in(self) -> None:
        """With the password."""
        given = {"email": self.email, "password": self.password}
        self.tokens = self.data(TOKEN_AUTH, signed_in=False, input=given)["tokens"]

    def refresh(self) -> None:
        """Exchange the pair, and repeat the exchange as after a lost answer."""
        old = {"refreshToken": self.tokens["refreshToken"]}
        first, again = (self.data(REFRESH, signed_in=False, input=old)["tokens"] for _ in range(2))
        pairs = [(pair["accessToken"], pair["refreshToken"]) for pair in (first, again)]
        expect(pairs[0] == pairs[1], "a repeated refresh gives another pair")
        self.tokens = first
        self.is_signed_in()

    def is_signed_in(self) -> None:
        """`me` is them."""
        expect(self.data(ME)["email"] == self.email, "me is somebody else")

    def is_signed_out(self) -> None:
        """Neither token opens anything."""
        status, _body = self.answer(ME)
        expect(status == 401, f"an ended session gets {status}")
        _status, body = self.answer(REFRESH, signed_in=False, input={"refreshToken": self.tokens["refreshToken"]})
        expect(body["data"]["refreshToken"]["errors"], "an ended session is refreshed")

    def change_password(self) -> None:
        """This session goes on; the others end."""
        new = f"{self.password} and more"
        self.data(CHANGE_PASSWORD, input={"currentPassword": self.password, "newPassword": new})
        self.password = new
        self.is_signed_in()

    def sign_out(self) -> None:
        """End the session."""
        self.data(REVOKE)
        self.is_signed_out()

    def revoke_other(self) -> None:
        """End the one session that is not this one, by the list of sessions."""
        nodes = self.data(SESSIONS)["sessions"]["nodes"]
        expect(len(nodes) == 2, f"{len(nodes)} sessions in place of 2")
        [other] = [node["id"] for node in nodes if not node["isCurrent"]]
        self.data(REVOKE_SESSION, input={"id": other})
        expect(len(self.data(SESSIONS)["sessions"]["nodes"]) == 1, "the session is still listed")

    def is_active_for_programs(self) -> bool:
        """What introspection says of the access token."""
        client, secret = self.deployment.resource_server
        credentials = base64.b64encode(f"{client}:{secret}".encode()).decode()
        form = urlencode({"token": self.tokens["accessToken"]}).encode()
        headers = {"Authorization": f"Basic {credentials}"}
        status, body = _json(Request(f"{self.deployment.url}/o/introspect/", form, headers))
        expect(status == 200, (status, body))
        return bool(body["active"])


def journey(deployment: Deployment) -> None:
    """Everything, from registration to sign-out. Raises JourneyFailed, or OSError if nobody answers."""
    ada = Person(deployment)
    ada.register()
    ada.sign_in()
    ada.refresh()
    _reads_pages(ada)
    expect(ada.data(UPDATE, input={"firstName": "Augusta"})["account"]["firstName"] == "Augusta", "the name is old")
    ada.revoke_other()
    elsewhere = ada.at(deployment)
    elsewhere.sign_in()
    ada.change_password()
    elsewhere.is_signed_out()
    expect(ada.is_active_for_programs(), "introspection calls a live token inactive")
    _signs_in_by_provider(deployment)
    _staff_sign_in(deployment, ada.email)
    ada.sign_out()
    expect(not ada.is_active_for_programs(), "introspection calls an ended token active")


def _reads_pages(person: Person) -> None:
    """There is somebody beside staff on two pages, and nobody on both."""
    first = person.data(USERS)
    Person(person.deployment).register()
    newest = person.data(USERS)
    second = person.data(USERS, after=newest["pageInfo"]["endCursor"])
    pages = [page["nodes"][0]["id"] for page in (newest, second)]
    expect(len(set(pages)) == 2 and first["nodes"][0]["id"] in pages, pages)


def _signs_in_by_provider(deployment: Deployment) -> None:
    """At first sight it makes an account."""
    somebody = Person(deployment)
    credential = {"idToken": deployment.id_token_for(somebody.email)}
    payload = somebody.data(CONVERT, signed_in=False, input={"provider": deployment.provider, "credential": credential})
    expect(payload["isNewAccount"], payload)
    somebody.tokens = payload["tokens"]
    somebody.refresh()


def _staff_sign_in(deployment: Deployment, email: str) -> None:
    """By the form of the administration, which then shows the account."""
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
    login = f"{deployment.url}/admin/login/?next=/admin/accounts/account/%3Fq={email}"
    token = CSRF.search(_page(browser, Request(login)))
    expect(token, "the administration has no form")
    assert token
    name, password = deployment.staff
    form = urlencode({"username": name, "password": password, "csrfmiddlewaretoken": token[1]}).encode()
    expect(email in _page(browser, Request(login, form)), "the administration does not list the account")


def _page(browser: OpenerDirector, request: Request) -> str:
    try:
        with browser.open(request, timeout=60) as response:
            return str(response.read().decode())
    except HTTPError as error:
        with error:
            raise JourneyFailed(f"HTTP {error.code} at {request.full_url}") from error


def _json(request: Request) -> tuple[int, Any]:
    browser = build_opener(ProxyHandler({}))
    try:
        with browser.open(request, timeout=60) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            content = error.read()
            return error.code, json.loads(content) if content.startswith(b"{") else content

"""A real OpenID provider that nobody here wrote: oidc-provider, certified by the OpenID Foundation, on loopback."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from accounts.conf import Provider
from tests.tools import node_process

CLIENT = "latchkey"
SECRET = "a secret: of/100% +"
"""Wants the encoding of RFC 6749 §2.3.1."""
ES256_CLIENT = "latchkey-es256"
"""Gets ID tokens that are signed so."""
POST_CLIENT = "latchkey-post"
"""Authenticates in the form."""
FOREIGN_CLIENT = "another-application"
REDIRECT_URI = "http://127.0.0.1:9/callback"
"""Nobody has to listen there."""
REDIRECT_URIS = (REDIRECT_URI, "http://127.0.0.1:9/other", "http://localhost:5173/callback")
ADA = {
    "email": "ada@example.com",
    "email_verified": True,
    "given_name": "Ada",
    "family_name": "Lovelace",
    "name": "Ada Lovelace",
}
FORM = re.compile(r'<form [^>]*action="([^"]+)"')
STEPS = 12
"""Redirects and forms before somebody is back."""


class NotReturned(Exception):
    """The provider did not send the person back with a code. The text says why."""


@dataclass
class OpenIDProvider:
    """The provider, and what can be done to it."""

    issuer: str
    _ask: Callable[[Any], Any] = field(repr=False)

    def configured(self, **changes: Any) -> Provider:
        """For the settings, under the name `real`."""
        settings: dict[str, Any] = {
            "name": "real",
            "label": "Real",
            "client_ids": (CLIENT,),
            "client_secret": SECRET,
            "token_auth_method": "client_secret_basic",
            "issuer": self.issuer,
            "introspection": True,
            **changes,
        }
        return Provider(**settings)

    @property
    def environment(self) -> dict[str, str]:
        """For a server process of ours."""
        return {
            "OPENID_PROVIDERS": "real",
            "OPENID_REAL_ISSUER": self.issuer,
            "OPENID_REAL_CLIENT_IDS": CLIENT,
            "OPENID_REAL_CLIENT_SECRET": SECRET,
            "OPENID_REAL_TOKEN_AUTH_METHOD": "client_secret_basic",
            "OPENID_REAL_INTROSPECTION": "true",
        }

    def person(self, sub: str, **claims: Any) -> str:
        """Make somebody known, or change what is known: what `sign_in` takes as `login`."""
        self._do("people", people={sub: {**ADA, **claims}})
        return sub

    def sign_in(self, authorization_url: str, *, login: str = "ada") -> dict[str, str]:
        """What the redirect back brings (code, state, iss), once the person has agreed. Raises NotReturned."""
        browser = _browser()
        request = Request(authorization_url)
        for _ in range(STEPS):
            status, headers, page = _open(browser, request)
            if status in {302, 303}:
                target = urljoin(request.full_url, headers["Location"])
                if not target.startswith(f"{self.issuer}/"):
                    return _returned(target)
                request = Request(target)
                continue
            form = FORM.search(page)
            if status != 200 or not form:
                raise NotReturned(f"HTTP {status} at {request.full_url}: {page[:2000]}")
            fields = {"prompt": "login", "login": login, "password": "any"} if 'name="login"' in page else {}
            body = urlencode(fields or {"prompt": "consent"}).encode()
            request = Request(urljoin(request.full_url, form[1]), body)
        raise NotReturned(f"still at {request.full_url}")

    def rotate_keys(self, *, overlap: bool = False) -> list[str]:
        """Sign with new keys from now on; the ids of those published. With `overlap` the old ones stay."""
        kids: list[str] = self._do("rotate", overlap=overlap)["kids"]
        return kids

    def go_down(self) -> None:
        """Nobody listens any more."""
        self._do("down")

    def come_back(self) -> None:
        """At the same address, with the same keys and memory."""
        self._do("up")

    def be_slow(self, seconds: float, *endpoints: str) -> None:
        """Answer late: where the path ends so, else everywhere."""
        self._do("fault", kind="slow", milliseconds=seconds * 1000, endpoints=endpoints)

    def answer_garbage(self, *endpoints: str) -> None:
        """Answer what is no JSON: where the path ends so, else everywhere."""
        self._do("fault", kind="garbage", endpoints=endpoints)

    def recover(self) -> None:
        """Neither slow nor garbage any more."""
        self._do("fault", kind=None)

    def asked(self) -> list[str]:
        """The requests since this was last called: `GET /jwks`."""
        requests: list[str] = self._do("asked")
        return requests

    def _do(self, name: str, **options: Any) -> Any:
        answer = self._ask({"name": name, **options})
        assert answer and "error" not in answer, answer
        return answer["value"]


@contextlib.contextmanager
def openid_provider(*redirect_uris: str) -> Iterator[OpenIDProvider]:
    """A provider of its own, with Ada as `ada`; redirect URIs beside REDIRECT_URIS. Skips without Node."""
    with node_process("openid_provider.mjs") as ask:
        provider = OpenIDProvider("", ask)
        provider.issuer = provider._do("start", clients=_clients(*redirect_uris), people={"ada": ADA})["issuer"]
        yield provider


def _clients(*redirect_uris: str) -> list[dict[str, Any]]:
    client = {
        "client_secret": SECRET,
        "redirect_uris": [*REDIRECT_URIS, *redirect_uris],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "id_token_signed_response_alg": "RS256",
    }
    return [
        {**client, "client_id": CLIENT},
        {**client, "client_id": ES256_CLIENT, "id_token_signed_response_alg": "ES256"},
        {**client, "client_id": POST_CLIENT, "token_endpoint_auth_method": "client_secret_post"},
        {**client, "client_id": FOREIGN_CLIENT},
    ]


class _NoRedirect(HTTPRedirectHandler):
    """The redirect back leads to where nobody listens."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """None: not followed."""


def _browser() -> OpenerDirector:
    return build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()), _NoRedirect())


def _open(browser: OpenerDirector, request: Request) -> tuple[int, Any, str]:
    try:
        with browser.open(request, timeout=30) as response:
            return response.status, response.headers, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def _returned(target: str) -> dict[str, str]:
    returned = dict(parse_qsl(urlsplit(target).query))
    if "error" in returned:
        raise NotReturned(f"{returned['error']}: {returned.get('error_description')}")
    return returned

"""Google's and Facebook's endpoints on a real socket of this machine, answering in their published shapes.

- https://developers.google.com/identity/openid-connect/openid-connect (userinfo); tokeninfo as Google's own
  libraries ask it, by POST with the token as Bearer
- https://developers.facebook.com/docs/graph-api/reference/debug_token and …/reference/user
"""

import hashlib
import hmac
import json
import secrets
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from accounts.conf import Provider
from tests.providers import registrations
from tests.providers.github import GitHub
from tests.providers.issuer import Issuer, Reply, proves
from tests.providers.registrations import FACEBOOK_APP, FACEBOOK_SECRET, GOOGLE_ANDROID_CLIENT, GOOGLE_CLIENT

__all__ = ["FACEBOOK_APP", "FACEBOOK_SECRET", "GOOGLE_ANDROID_CLIENT", "GOOGLE_CLIENT", "Providers", "Server"]


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """What a form sent."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Providers:
    """What the server knows, and what it was asked."""

    url: str
    released: threading.Event = field(default_factory=threading.Event)
    """Set when the server goes down, for handlers that wait."""
    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, "Fault"] = field(default_factory=dict)
    """By the last part of the path."""
    before_answering: Callable[[str], None] = lambda _path: None
    _google: dict[str, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    _facebook: dict[str, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)

    github: GitHub = field(default_factory=GitHub)
    _facebook_codes: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.issuers: dict[str, Issuer] = registrations.issuers(self.url)

    def __getitem__(self, name: str) -> Issuer:
        """An OpenID provider, by the first part of its path."""
        return self.issuers[name]

    @property
    def configured(self) -> tuple[Provider, ...]:
        """For the settings."""
        return registrations.providers(self.url)

    @property
    def environment(self) -> dict[str, str]:
        """For a server process of ours."""
        return registrations.environment(self.url)

    @property
    def paths(self) -> list[str]:
        """The last parts of the paths that were asked for, in order."""
        return [asked.path.rpartition("/")[2] for asked in self.asked]

    def google_token(self, *, token: dict[str, Any] | None = None, **person: Any) -> str:
        """A new access token for a person; `token` changes tokeninfo, None takes a claim away."""
        access_token = f"ya29.{secrets.token_urlsafe(60)}"
        claims = _without_none(
            {
                "sub": "110169484474386276334",
                # Who changes the given name means that there is none.
                "name": None if "given_name" in person else "Ada Lovelace",
                "given_name": "Ada",
                "family_name": "Lovelace",
                "picture": "https://lh3.googleusercontent.com/a/photo",
                "email": "ada@example.com",
                "email_verified": True,
                **person,
            }
        )
        info = {
            "azp": GOOGLE_CLIENT,
            "aud": GOOGLE_CLIENT,
            "sub": claims.get("sub"),
            "scope": "openid https://www.googleapis.com/auth/userinfo.email",
            "exp": "4102444800",
            "expires_in": "3598",
            "email": claims.get("email"),
            "email_verified": "true",
            "access_type": "online",
            **(token or {}),
        }
        self._google[access_token] = (_without_none(info), claims)
        return access_token

    def facebook_token(self, *, token: dict[str, Any] | None = None, **person: Any) -> str:
        """A new access token for a person; `token` changes debug_token, None takes a field away."""
        access_token = f"EAA{secrets.token_hex(80)}"
        fields = _without_none(
            {
                "id": "10222270944537964",
                "first_name": "Ada",
                "last_name": "Lovelace",
                "email": "ada@example.com",
                **person,
            }
        )
        info = {
            "app_id": FACEBOOK_APP,
            "type": "USER",
            "application": "Latchkey",
            "data_access_expires_at": 4102444800,
            "expires_at": 4102444800,
            "is_valid": True,
            "issued_at": 1700000000,
            "scopes": ["email", "public_profile"],
            "user_id": fields.get("id"),
            **(token or {}),
        }
        self._facebook[access_token] = (_without_none(info), fields)
        return access_token

    def facebook_code(self, *, redirect_uri: str, code_challenge: str | None = None, **person: Any) -> str:
        """As the redirect would bring it."""
        code = f"AQ{secrets.token_hex(20)}"
        self._facebook_codes[code] = (self.facebook_token(**person), redirect_uri, code_challenge)
        return code

    def answer(self, asked: Asked) -> Reply:
        """Status and JSON."""
        party, _, endpoint = asked.path[1:].partition("/")
        scheme, _, bearer = asked.headers.get("authorization", "").partition(" ")
        match asked.method, asked.path:
            case "POST", "/google/tokeninfo":
                if scheme != "Bearer" or bearer not in self._google:
                    return 400, {"error": "invalid_token", "error_description": "Invalid Value"}
                return 200, self._google[bearer][0]
            case "GET", "/google/userinfo" if bearer in self._google:
                return 200, self._google[bearer][1]
            case "GET", "/facebook/v24.0/debug_token":
                return self._debug_token(asked, bearer)
            case "GET", "/facebook/v24.0/me":
                return self._me(asked, bearer)
            case "POST", "/facebook/v24.0/oauth/access_token":
                return self._facebook_exchange(asked.form)
        if party == "github":
            return self.github.answer(endpoint, asked)
        if party in self.issuers:
            issuer = self.issuers[party]
            return issuer.answer(f"{self.url}{asked.path}".removeprefix(f"{issuer.url}/"), asked)
        return 404, {"error": "not_found"}

    def _facebook_exchange(self, form: dict[str, str]) -> Reply:
        if (form.get("client_id"), form.get("client_secret")) != (FACEBOOK_APP, FACEBOOK_SECRET):
            return 400, _graph_error(101, "Error validating client secret.")
        token, redirect_uri, challenge = self._facebook_codes.pop(form.get("code", ""), (None, "", None))
        proven = proves(challenge, form)
        if token is None or form.get("redirect_uri") != redirect_uri or not proven:
            return 400, _graph_error(100, "This authorization code has been used.")
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": 5183944}

    def _debug_token(self, asked: Asked, bearer: str) -> Reply:
        if bearer != f"{FACEBOOK_APP}|{FACEBOOK_SECRET}":
            return 400, _graph_error(190, "Invalid OAuth access token signature.")
        token = asked.query.get("input_token", "")
        if token not in self._facebook:
            error = {"code": 190, "message": "Invalid OAuth access token."}
            return 200, {"data": {"error": error, "is_valid": False, "scopes": []}}
        return 200, {"data": self._facebook[token][0]}

    def _me(self, asked: Asked, bearer: str) -> Reply:
        if bearer not in self._facebook:
            return 400, _graph_error(190, "Invalid OAuth access token.")
        proof = hmac.new(FACEBOOK_SECRET.encode(), bearer.encode(), hashlib.sha256).hexdigest()
        if asked.query.get("appsecret_proof") != proof:
            return 400, _graph_error(100, "Invalid appsecret_proof provided in the API argument")
        fields = {"id", *asked.query.get("fields", "name").split(",")}
        return 200, {name: value for name, value in self._facebook[bearer][1].items() if name in fields}


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _graph_error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2"}}


Fault = Callable[["Handler", int, bytes], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as Providers says, or as its faults have it."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """See Providers.answer."""
        providers, target = self.server.providers, urlsplit(self.path)
        asked = Asked(
            method=self.command,
            path=target.path,
            query={name: values[0] for name, values in parse_qs(target.query).items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        providers.asked.append(asked)
        endpoint = target.path.rpartition("/")[2]
        providers.before_answering(endpoint)
        status, content = providers.answer(asked)
        body = b"" if content is None else json.dumps(content).encode()
        fault = providers.faults.get(endpoint)
        if fault:
            self.close_connection = True
            fault(self, status, body)
        else:
            self.reply(status, body)

    do_POST = do_GET  # noqa: N815 - http.server's name

    def reply(self, status: int, body: bytes, kind: str = "application/json; charset=utf-8", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        fields = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, content: bytes) -> None:
        """A byte every few milliseconds: each read of the socket is quick, the whole never ends."""
        for byte in content:
            self.wfile.write(bytes([byte]))
            if self.server.providers.released.wait(0.02):
                return

    def log_message(self, *_args: object) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    """On any free port, until it is stopped."""

    daemon_threads = True
    providers: Providers

    def __init__(self, *, certificate: Path | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.providers = Providers(url=f"{'https' if certificate else 'http'}://{host}:{self.server_port}")
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nobody listens any more."""
        self.providers.released.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_args: object) -> None:
        """Clients of a faulty server hang up; that is what is tested."""

"""Apollo Client and urql in a real browser, on pages of other origins than the service: preflights, cookies, codes."""

import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api import PASSWORD, REVOKE
from tests.live import serving
from tests.tools import chromium, esbuild, node_process

CLIENTS = ("apollo", "urql")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Outcome:
    """Of a call in a page: what it returned or threw, and what went over the wire."""

    value: Any
    error: str | None
    requests: list[dict[str, Any]]

    @property
    def preflights(self) -> list[dict[str, Any]]:
        """The questions that the browser asked by itself."""
        return [request for request in self.requests if request["method"] == "OPTIONS"]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What the page sent."""
        return [request for request in self.requests if request["method"] != "OPTIONS"]


@dataclass(frozen=True)
class Site:
    """A service that allows pages of `origin`, and pages of origins that it does not know."""

    endpoint: str
    origin: str
    other_port: str
    """Same site for the browser, so that it sends the cookie; another origin."""
    other_site: str


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a line for each."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def pages(directory: Path) -> Iterator[int]:
    """Serve a directory; the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The service and the pages."""
    chromium()
    html = tmp_path_factory.mktemp("page")
    (html / "index.html").write_text("<!doctype html><link rel=icon href=data:,><title>A front end</title>")
    esbuild("page.mjs", into=html / "page.js")
    with pages(html) as ours, pages(html) as other:
        origin = f"http://127.0.0.1:{ours}"
        with serving(tmp_path_factory.mktemp("live"), CORS_ALLOWED_ORIGINS=origin) as live:
            yield Site(f"{live.url}/graphql", origin, f"http://127.0.0.1:{other}", f"http://localhost:{other}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Callable[[Any], Any]]:
    """Chromium."""
    with node_process("in_browser.mjs", chromium()) as ask:
        yield ask


Call = tuple[str, str, dict[str, Any]]
Browse = Callable[..., list[Outcome]]


@pytest.fixture
def browse(browser: Callable[[Any], Any], site: Site) -> Browse:
    """Calls in tabs that share their cookies: `browse((origin, function of page.mjs, options), …)`."""

    def run(*calls: Call) -> list[Outcome]:
        tasks = [
            {"page": page, "name": name, "options": {"endpoint": site.endpoint, **options}}
            for page, name, options in calls
        ]
        return [Outcome(**outcome) for outcome in browser(tasks)]

    return run


@pytest.fixture
def person() -> dict[str, str]:
    """Somebody to register."""
    name = f"browser{next(_numbers)}"
    return {"email": f"{name}@example.com", "username": name, "firstName": "Ada", "password": PASSWORD}


def answered(requests: list[dict[str, Any]]) -> bool:
    """Whether there were any, and all of them succeeded."""
    return bool(requests) and all(r["status"] in {200, 204} and not r["failure"] for r in requests)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_calls_with_a_bearer_from_an_allowed_origin(site, browse, person, client):
    """S49: after preflights that the browser itself has judged."""
    (outcome,) = browse((site.origin, "bearer", {"client": client, "account": person}))

    assert outcome.error is None
    assert outcome.value["me"]["email"] == person["email"]
    assert answered(outcome.preflights)
    assert answered(outcome.calls)


def test_urql_asks_its_queries_by_get(site, browse, person):
    """Trap 28: its default; with a Bearer, GET needs a preflight too."""
    (outcome,) = browse((site.origin, "bearer", {"client": "urql", "account": person}))

    assert [call["method"] for call in outcome.calls] == ["POST", "GET"]
    assert parse_qs(urlsplit(outcome.calls[1]["url"]).query)["query"][0].startswith("query Me")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_keeps_its_refresh_token_in_the_cookie(site, browse, person, client):
    """S51: sign in, reload (a new tab, without the access token), refresh without input, twice, and go on."""
    options = {"client": client, "account": person}

    signed_in, first, second = browse(
        (site.origin, "signInByCookie", options),
        (site.origin, "refreshByCookie", options),
        (site.origin, "refreshByCookie", options),
    )

    assert (signed_in.error, first.error, second.error) == (None, None, None)
    for payload in (
        signed_in.value["register"],
        signed_in.value["tokenAuth"],
        first.value["refreshToken"],
        second.value["refreshToken"],
    ):
        assert payload["errors"] == []
        assert payload["tokens"]["refreshToken"] is None
    assert signed_in.value["readable"] == ""
    assert first.value["me"]["email"] == second.value["me"]["email"] == person["email"]
    assert answered(signed_in.preflights)


@pytest.mark.parametrize("by_get", [False, True])
def test_apollo_persists_its_queries(site, browse, by_get):
    """The hash alone, then both, and at the next visit the hash is enough."""
    text = f"query Users{next(_numbers)} {{ users {{ nodes {{ username }} }} }}"
    options = {"useGETForHashedQueries": by_get, "text": text}
    (outcome,) = browse((site.origin, "persisted", options))

    assert outcome.error is None
    assert [data["users"]["__typename"] for data in outcome.value] == ["UserConnection"] * 2
    assert answered(outcome.calls)
    sent = [sent_by(call) for call in outcome.calls]
    assert ["query" in body for body in sent] == [False, True, False]
    (digest,) = {body["extensions"]["persistedQuery"]["sha256Hash"] for body in sent}
    assert {hashlib.sha256(body["query"].encode()).hexdigest() for body in sent if "query" in body} <= {digest}
    assert outcome.calls[0]["method"] == ("GET" if by_get else "POST")


def sent_by(call: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an operation, by POST or GET."""
    if call["method"] == "POST":
        body: dict[str, Any] = json.loads(call["body"])
        return body
    parameters = {name: values[0] for name, values in parse_qs(urlsplit(call["url"]).query).items()}
    return {**parameters, "extensions": json.loads(parameters["extensions"])}


def test_apollo_client_sees_the_code_of_a_401(site, browse):
    """Issue 4: with its default Accept header, so that a link can refresh on UNAUTHENTICATED."""
    (outcome,) = browse((site.origin, "refused", {"client": "apollo"}))

    assert outcome.calls[-1]["status"] == 401
    assert outcome.value["isCombined"]
    assert outcome.value["codes"] == ["UNAUTHENTICATED"]


def test_urql_sees_the_code_of_a_401(site, browse):
    """Its auth exchange looks for it."""
    (outcome,) = browse((site.origin, "refused", {"client": "urql"}))

    assert outcome.value["codes"] == ["UNAUTHENTICATED"]
    assert outcome.value["status"] == 401


def test_a_page_may_read_the_headers_it_can_act_on(site, browse):
    """`WWW-Authenticate` and `X-Request-ID` of a refusal."""
    (outcome,) = browse((site.origin, "readable", {"headers": {"Authorization": "Bearer stale"}}))

    assert {"www-authenticate", "x-request-id"} <= set(outcome.value)


TRACING = {
    "apollo-require-preflight": "1",
    "x-apollo-operation-name": "Me",
    "x-requested-with": "fetch",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=b",
    "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    "baggage": "a=b",
}


@pytest.mark.parametrize("header", TRACING)
def test_headers_of_clients_and_tracers_pass_the_preflight(site, browse, header):
    """The design's list, header by header."""
    (outcome,) = browse((site.origin, "readable", {"headers": {header: TRACING[header]}}))

    assert outcome.error is None
    assert answered(outcome.preflights)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("where", ["other_port", "other_site"])
def test_a_page_of_another_origin_gets_nothing(site, browse, person, client, where):
    """S49: the browser's preflight is refused, so the mutation is never sent."""
    (outcome,) = browse((getattr(site, where), "bearer", {"client": client, "account": person}))

    assert "Failed to fetch" in outcome.error
    assert outcome.preflights
    assert [(c["failure"], c["status"]) for c in outcome.calls] == [("PreflightMissingAllowOriginHeader", None)]


@pytest.mark.parametrize("where", ["other_port", "other_site"])
def test_a_page_of_another_origin_cannot_use_the_cookie(site, browse, person, where):
    """S51: not with a client, not by what needs no preflight; the session is as it was."""
    options = {"client": "apollo", "account": person}
    evil = getattr(site, where)

    signed_in, by_client, without, after = browse(
        (site.origin, "signInByCookie", options),
        (evil, "refreshByCookie", options),
        (evil, "withoutPreflight", {"body": {"query": REVOKE}}),
        (site.origin, "refreshByCookie", options),
    )

    assert signed_in.value["tokenAuth"]["errors"] == []
    assert "Failed to fetch" in by_client.error
    assert without.value is True
    assert [(call["method"], call["status"]) for call in without.calls] == [
        ("POST", 415),
        ("POST", 415),
        ("GET", 405),
    ]
    assert after.value["refreshToken"]["errors"] == []
    assert after.value["me"]["email"] == person["email"]

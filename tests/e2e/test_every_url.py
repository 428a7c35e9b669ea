"""Every address with every method, over a real server (S81)."""

import itertools
import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from tests.live import Live, serving
from tests.wire import Reply, message, send

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "NONSENSE"]
ACCEPTS = [None, "*/*", "text/html", "application/json", "text/html;q=0, */*", "application/graphql-response+json"]
BODIES = {None: b"", "application/json": b'{"query": "{ __typename }"}', "application/x-www-form-urlencoded": b"a=b"}
PLACEHOLDER = "d4c0ffee-0000-4000-8000-000000000000"
PAGES = [
    *("/sign-in", "/register", "/users", "/callback"),
    *("/verify-email", "/disown-registration", "/forgot-password", "/reset-password", "/sign-in-code", "/sign-in-link"),
    *("/confirm-email", "/undo-email-change", "/secure-account", "/cancel-deletion"),
]
"""The pages of the front end beside `/`."""
PEOPLE = ("/admin/", "/dev/outbox", *PAGES)
"""Where HTML may be answered whatever Accept says: pages for people, and nothing else."""


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """A path for each pattern, taken from the URL configuration itself, so that none can be forgotten."""
    for entry in patterns:
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, prefix + str(entry.pattern))
        elif isinstance(entry.pattern, RoutePattern):
            parts = str(entry.pattern).split("<")
            yield prefix + parts[0] + "".join(PLACEHOLDER + part.partition(">")[2] for part in parts[1:])
        else:
            yield from KNOWN[re.sub(r"<app_label>[^)]*", "<app_label>", str(entry.pattern))]


KNOWN = {
    f"^(?:{'|'.join(page[1:] for page in PAGES)})?$": ["/", *PAGES],
    r"^(?P<app_label>)/$": ["/admin/accounts/", "/admin/oauth2_provider/"],
    r"(?P<url>.*)$": ["/admin/nothing", "/admin/nothing/"],
}
"""Paths for the patterns that are regular expressions."""
ADDRESSES = [
    *dict.fromkeys(addresses(get_resolver().url_patterns)),
    "/static/nothing.js",
    "/nothing",
    "//",
    "/graphql/x",
]


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Live]:
    """The service as a developer has it."""
    with serving(tmp_path_factory.mktemp("live"), LOG_LEVEL="ERROR") as server:
        yield server


def replies(live: Live, path: str) -> Iterator[tuple[str, Reply]]:
    """The answers to every method with every Accept, and to POST with every body."""
    for method, accept in itertools.product(METHODS, ACCEPTS):
        for content_type, body in BODIES.items() if method == "POST" else [(None, b"")]:
            headers = {"Accept": accept, "Content_Type": content_type}
            sent = {name: value for name, value in headers.items() if value}
            yield f"{method} {sent}", send(live.url, message(method, path, body, **sent))


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_method_is_answered(live, path):
    """S45, S50, S81: no 5xx, no body for HEAD, no CSRF page for programs, JSON for whoever does not ask for HTML."""
    for sent, reply in replies(live, path):
        assert 200 <= reply.status < 500, sent
        assert reply.headers["x-content-type-options"] == "nosniff", sent
        if sent.startswith("HEAD"):
            assert reply.body == b"", sent
        if reply.status == 405:
            assert reply.headers["allow"], sent
        if not path.startswith("/admin/"):
            # The administration alone has forms, and so CSRF tokens.
            assert reply.status != 403, sent
        if reply.body and "html" in reply.headers["content-type"] and not path.startswith(PEOPLE) and path != "/":
            assert "'Accept': 'text/html'" in sent, sent


def test_what_is_switched_off_is_off(live, tmp_path):
    """S42, S81: for every Accept, by every method, at every address."""
    with serving(tmp_path, GRAPHIQL="False", INTROSPECTION="False", LOG_LEVEL="ERROR") as off:
        paths = [path for path in ADDRESSES if not path.startswith("/admin/")]
        paths += [f"{path}?query={{__schema{{types{{name}}}}}}" for path in paths]
        leaks = {
            (path, sent)
            for path in paths
            for sent, reply in replies(off, path)
            if b"graphiql" in reply.body.lower() or b"RegisterInput" in reply.body
        }
    control = send(live.url, message("GET", "/schema.graphql"))

    assert b"RegisterInput" in control.body
    assert leaks == set()

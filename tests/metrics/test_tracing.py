"""Traces of a real server, as a collector gets them."""

import subprocess
import sys
import time
import uuid
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from project.tracing import _summary
from tests.api import CONVERT, ME, PASSWORD, REGISTER, TOKEN_AUTH
from tests.live import ROOT, environment_of_service, free_port, serving
from tests.metrics.collector import AT_ONCE, collecting
from tests.metrics.scraping import OPENED, scrape
from tests.providers.server import Server

SLOW_MACHINE = 15
"""Seconds that no request and no stop takes, whatever the machine. Waiting for a collector would take longer."""


def traceparent(*, sampled=True):
    """A header of a new trace, and the trace's id."""
    trace_id, parent = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    return trace_id, parent, {"traceparent": f"00-{trace_id}-{parent}-{'01' if sampled else '00'}"}


@pytest.fixture(scope="module")
def collector():
    """A collector."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def server():
    """A server for the providers' endpoints."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def providers(server):
    """All of them."""
    return server.providers


@pytest.fixture(scope="module")
def live(collector, server, tmp_path_factory):
    """A server with two workers that traces, and signs in through a provider on loopback."""
    environment = {**collector.environment, **server.providers.environment, **OPENED}
    with serving(tmp_path_factory.mktemp("live"), WORKERS="2", **environment) as live:
        yield live


def attributes(span):
    """Those of a span."""
    return {attribute.key: attribute.value.string_value or attribute.value.int_value for attribute in span.attributes}


def test_a_request_is_a_span_that_continues_the_callers_trace(live, collector):
    """W3C Trace Context; named by the operation, whatever the client calls it."""
    trace_id, parent, headers = traceparent()

    live.post("query Mine { me { id } }", headers={**headers, "tracestate": "a=b", "baggage": "c=d"})

    (span,) = (span for span in collector.trace(trace_id, until="me") if span.name == "me")
    assert span.parent_span_id.hex() == parent
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "graphql.operation": "me",
    }
    assert span.trace_state == ""
    assert collector.services == {"of-the-tests"}


def test_statements_are_spans_below_it(live, collector):
    """By their verb and table."""
    trace_id, _, headers = traceparent()

    live.post(TOKEN_AUTH, headers=headers, input={"email": "ada@example.com", "password": PASSWORD})

    spans = collector.trace(trace_id, until="tokenAuth")
    (request,) = (span for span in spans if span.name == "tokenAuth")
    statements = [span for span in spans if span.name == "SELECT accounts_account"]
    assert statements
    assert {span.parent_span_id for span in statements} == {request.span_id}
    assert set(attributes(statements[0])) == {"db.system.name"}


def test_requests_to_providers_are_spans_below_it(live, collector, providers):
    """By the provider and its host."""
    trace_id, _, headers = traceparent()
    credential = {"accessToken": providers.google_token()}

    live.post(CONVERT, headers=headers, input={"provider": "google", "credential": credential})

    spans = [s for s in collector.trace(trace_id, until="convertSocialToken") if s.name.endswith(" google-oauth2")]
    assert spans
    assert attributes(spans[0])["server.address"] == providers.url.removeprefix("http://")


def test_no_span_holds_a_secret_or_an_address(live, collector, providers):
    """S47: not as a parameter of a statement, nor in a URL, a header, or the text of an exception."""
    trace_id, _, headers = traceparent()
    password, email = uuid.uuid4().hex, "ada.SENTINEL@example.com"
    given = {"email": email, "username": "ada_SENTINEL", "firstName": "Ada", "password": password}
    tokens = live.post(REGISTER, headers=headers, input=given)[1]["data"]["register"]["tokens"]
    provided = providers.google_token()
    live.post(CONVERT, headers=headers, input={"provider": "google", "credential": {"accessToken": provided}})
    url = f"{live.url}/sign-in?q=SENTINEL"
    with suppress(HTTPError), urlopen(Request(url, headers={**headers, "Cookie": "c=SENTINEL"})) as page:
        page.read()
    bearer = {"Authorization": f"Bearer {tokens['accessToken']}", "X-Any": "SENTINEL"}
    live.post(ME, headers={**headers, **bearer})

    names = {span.name for span in collector.trace(trace_id, until="me")}

    assert {"register", "INSERT accounts_account", "convertSocialToken", "GET", "me"} <= names
    sent = b"".join(collector.bodies)
    for secret in (password, email, provided, tokens["accessToken"], tokens["refreshToken"], "SENTINEL"):
        assert secret.encode() not in sent


def test_log_lines_name_the_trace(live, collector):
    """So that a line leads to its trace."""
    trace_id, _, headers = traceparent()

    live.post(TOKEN_AUTH, headers=headers, input={"email": "ada@example.com", "password": "wrong"})
    collector.trace(trace_id, until="tokenAuth")

    assert trace_id in live.log.read_text()


def test_a_trace_that_the_caller_does_not_record_is_not_recorded(live, collector):
    """OpenTelemetry's default, and what its samplers change."""
    unwanted, _, headers = traceparent(sampled=False)
    live.post(ME, headers=headers)
    wanted, _, headers = traceparent()
    live.post(ME, headers=headers)
    collector.trace(wanted, until="me")

    assert unwanted not in {span.trace_id.hex() for span in collector.spans}


def test_scrapes_are_no_traces(live, collector):
    """They would be most of them."""
    unwanted, _, headers = traceparent()
    assert scrape(live, **headers).status == 200
    wanted, _, headers = traceparent()
    live.post(ME, headers=headers)
    collector.trace(wanted, until="me")

    assert unwanted not in {span.trace_id.hex() for span in collector.spans}


def test_a_collector_that_is_away_costs_no_request_anything(tmp_path):
    """And does not hold the stop of the server up."""
    with serving(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}", **AT_ONCE) as live:
        started = time.monotonic()
        assert [live.post("{ __typename }")[0] for _ in range(10)] == [200] * 10
        assert time.monotonic() - started < SLOW_MACHINE
        stopping = time.monotonic()
    assert time.monotonic() - stopping < SLOW_MACHINE


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:4318"])
def test_nothing_is_imported_unless_a_collector_is_named(endpoint):
    """Neither the memory nor the time of it, where nobody wants traces."""
    # The rest of OpenTelemetry is imported by redis-py, if it is installed.
    code = "import sys, project.wsgi; print('opentelemetry.exporter' in sys.modules)"
    environment = environment_of_service(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, DATABASE_URL="sqlite://:memory:")

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True)

    assert done.stdout.decode().strip() == str(bool(endpoint))


@pytest.mark.parametrize(
    ("sql", "summary"),
    [
        ('SELECT "accounts_account"."id" FROM "accounts_account" WHERE "email" = %s', "SELECT accounts_account"),
        ('INSERT INTO "accounts_mail" ("id") VALUES (%s)', "INSERT accounts_mail"),
        ('UPDATE "accounts_session" SET "x" = %s', "UPDATE accounts_session"),
        ('DELETE FROM "accounts_mail" WHERE "id" = 1', "DELETE accounts_mail"),
        ('SAVEPOINT "s140_x1"', "SAVEPOINT"),
        ('RELEASE SAVEPOINT "s140_x1"', "RELEASE"),
        ("SELECT 'secret' FROM x", "SELECT"),
        ("", "SQL"),
    ],
)
def test_a_statement_is_named_by_its_verb_and_table(sql, summary):
    """By nothing else of it: its literals might be anything."""
    assert _summary(sql) == summary

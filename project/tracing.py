"""Traces by OpenTelemetry, if OTEL_EXPORTER_OTLP_ENDPOINT names a collector. Otherwise nobody imports this module.

Not by OpenTelemetry's instrumentations: that of Django records addresses with their query strings, that of psycopg does
not see the connections of a pool, and none knows our HTTP client. A span here holds words of ours and nothing that a
client or a person has sent (S47): no parameters, no texts of statements or exceptions, no headers.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.backends.signals import connection_created
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from accounts.shared import tracing
from project.chunked import Application
from project.version import VERSION

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
SERVER_ERROR = 500
VERB = re.compile(r"\s*([A-Z]+)\b")
TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"(\w+)"')
LONGEST_READ = 10_000
"""Characters of a statement that are searched for its table."""

_spans = trace.get_tracer("latchkey")
_traceparent = TraceContextTextMapPropagator()
_provider: list[TracerProvider] = []


def traced(application: Application) -> Application:
    """The application, with a span for each request, which continues the trace that `traceparent` names.

    From now on statements and requests to providers are traced too, within those of requests.
    """
    tracing.tracer = Tracer()
    connection_created.connect(_trace_statements)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # Without `tracestate` and `baggage`: we pass them to nobody, and their words are the client's.
        parent = _traceparent.extract({"traceparent": environ.get("HTTP_TRACEPARENT", "")})
        method = environ["REQUEST_METHOD"]
        method = method if method in METHODS else "_OTHER"
        with _span(method, SpanKind.SERVER, {"http.request.method": method}, context=parent) as span:

            def noting(status: str, *rest: Any) -> Any:
                span.set_attribute("http.response.status_code", int(status[:3]))
                if int(status[:3]) >= SERVER_ERROR:
                    span.set_status(StatusCode.ERROR)
                return start_response(status, *rest)

            return application(environ, noting)

    return answer


def start() -> None:
    """Send the spans of this process. Call in each worker process: threads and connections do not survive a fork."""
    resource = Resource.create({"service.name": settings.OTEL_SERVICE_NAME, "service.version": VERSION})
    # Not at the exit of the interpreter: it would wait for a collector that is away.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _provider.append(provider)


def stop(*, timeout: float) -> None:
    """Send what is left, for at most so many seconds."""
    for provider in _provider:
        stopping = threading.Thread(target=provider.shutdown, daemon=True)
        stopping.start()
        stopping.join(timeout)


class Tracer(tracing.Tracer):
    """Traces by OpenTelemetry."""

    def name(self, operation: str) -> None:
        """Name the span of the current request by its operation."""
        span = trace.get_current_span()
        span.update_name(operation)
        span.set_attribute("graphql.operation", operation)

    @contextmanager
    def span(self, name: str, **attributes: str) -> Iterator[None]:
        """Trace the body, within the span of the current request. Outside of requests nothing is traced."""
        if not trace.get_current_span().is_recording():
            yield
            return
        with _span(name, SpanKind.CLIENT, {key.replace("_", "."): value for key, value in attributes.items()}):
            yield

    def trace_id(self) -> str:
        """The id of the current trace in hexadecimal; empty without one."""
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else ""


@contextmanager
def _span(name: str, kind: SpanKind, attributes: dict[str, str], **more: Any) -> Iterator[trace.Span]:
    """A span that knows whether the body has failed, but not why: the text of an exception may hold values."""
    with _spans.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False, **more
    ) as span:
        try:
            yield span
        except Exception:
            span.set_status(StatusCode.ERROR)
            raise


def _trace_statements(connection: Any, **_signal: Any) -> None:
    if _traced_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_traced_statement)


def _traced_statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - as Django calls it
    system = context["connection"].vendor
    with tracing.tracer.span(_summary(str(sql)[:LONGEST_READ]), db_system_name=system):
        return execute(sql, params, many, context)


@lru_cache(maxsize=1024)
def _summary(sql: str) -> str:
    """The verb and the table, such as `SELECT accounts_session`."""
    verb, table = VERB.match(sql), TABLE.search(sql)
    return " ".join(found[1] for found in (verb, table) if found) or "SQL"

"""A collector of traces: OTLP over HTTP, on loopback."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATIENT = 30
"""Seconds after which a test gives up."""
AT_ONCE = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
"""The environment of a server that sends its spans soon, and in plain bytes."""


class Collector:
    """What it was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []

    @property
    def environment(self) -> dict[str, str]:
        """That of a server which sends its spans here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_SERVICE_NAME": "of-the-tests", **AT_ONCE}

    @property
    def spans(self) -> list[Any]:
        """The spans so far."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in [*self.bodies]]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def services(self) -> set[str]:
        """The names of the services that sent them."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in [*self.bodies]]
        return {
            attribute.value.string_value
            for request in requests
            for resource in request.resource_spans
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }

    def trace(self, trace_id: str, *, until: str) -> list[Any]:
        """The spans of a trace, once one of this name is there: a request's comes last."""
        end = time.monotonic() + PATIENT
        while time.monotonic() < end:
            found = [span for span in self.spans if span.trace_id.hex() == trace_id]
            if any(span.name == until for span in found):
                return found
            time.sleep(0.1)
        raise AssertionError([span.name for span in self.spans])


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Clients that behave: what they lose was lost by the service."""

import http.client
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.serving.servers import OVER_TLS, QUERY, Service


def asked(connection: http.client.HTTPConnection) -> tuple[int, str | None]:
    """The status of an operation, and what the response says of the connection."""
    connection.request("POST", "/graphql", QUERY, {"Content-Type": "application/json", **OVER_TLS})
    response = connection.getresponse()
    response.read()
    return response.status, response.headers["Connection"]


@dataclass
class Load:
    """Clients that keep their connections, close them when told to, and repeat only what could not connect."""

    service: Service
    statuses: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        """Ask until the service refuses connections."""
        connection = None
        while not stop.is_set():
            if connection is None:
                connection = http.client.HTTPConnection(urlsplit(self.service.url).netloc, timeout=30)
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    return
            try:
                status, advice = asked(connection)
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection.close()
                connection = None
                continue
            self.statuses.append(status)
            if advice == "close":
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

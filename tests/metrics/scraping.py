"""A scrape, as Prometheus makes it."""

import http.client
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.live import Live

TOKEN = "a-token-of-the-tests-that-opens-the-metrics"
OPENED = {"METRICS_TOKENS": f"another-token-of-the-tests-for-the-metrics,{TOKEN}"}
"""The environment of a server that can be scraped."""


@dataclass(frozen=True)
class Response:
    """What `/metrics` answered."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """The values, by name and labels."""
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a series; None if there is none."""
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def total(self, name: str, **labels: str) -> float:
        """The sum of the series of this name with these labels, whatever others they have."""
        wanted = labels.items()
        return sum(value for (found, own), value in self.samples.items() if found == name and wanted <= set(own))

    @property
    def names(self) -> set[str]:
        """The names of all series that there are or could be."""
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        return {
            family.name + suffix
            for family in text_string_to_metric_families(self.text)
            for suffix in suffixes.get(family.type, [""])
        }


def scrape(live: Live, token: str | None = TOKEN, *, method: str = "GET", **headers: str) -> Response:
    """Ask for the metrics over a connection of our own: any worker may answer it."""
    connection = http.client.HTTPConnection(live.url.removeprefix("http://"), timeout=30)
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, "/metrics", headers=headers)
        response: Any = connection.getresponse()
        return Response(response.status, dict(response.headers), response.read().decode())
    finally:
        connection.close()

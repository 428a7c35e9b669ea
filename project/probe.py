"""The container's health check: `python -m project.probe` fails unless the process in this container answers /healthz.

`python -m project.probe /readyz` asks for more: whether requests can be served.

Without curl, which slim images lack, and without Django, whose start would cost seconds at each probe.
"""

import http.client
import os
import sys

EVERYWHERE = {"0.0.0.0", "::", "[::]"}  # noqa: S104 - addresses to compare with
TIMEOUT = 5
"""Seconds: longer than the checks of /readyz take."""


def main(path: str = "/healthz") -> None:
    """Exit with a message unless the answer is 200."""
    host = os.environ.get("HOST", "127.0.0.1")
    address = "localhost" if host in EVERYWHERE else host
    connection = http.client.HTTPConnection(address, int(os.environ.get("PORT", "8000")), timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except OSError as error:
        sys.exit(f"{address}: {error}")
    if status != http.HTTPStatus.OK:
        sys.exit(f"{address}: {status}")


if __name__ == "__main__":
    main(*sys.argv[1:])

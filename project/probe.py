"""The container's health check: `python -m project.probe` fails unless the process in this container answers /healthz.

Without curl, which slim images lack, and without Django, whose start would cost seconds at each probe.
"""

import http.client
import os
import sys

EVERYWHERE = {"0.0.0.0", "::", "[::]"}  # noqa: S104 - addresses to compare with
TIMEOUT = 2
"""Seconds."""


def main() -> None:
    """Exit with a message unless the answer is 200."""
    host = os.environ.get("HOST", "127.0.0.1")
    address = "localhost" if host in EVERYWHERE else host
    connection = http.client.HTTPConnection(address, int(os.environ.get("PORT", "8000")), timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except OSError as error:
        sys.exit(f"{address}: {error}")
    if status != http.HTTPStatus.OK:
        sys.exit(f"{address}: {status}")


if __name__ == "__main__":
    main()

"""A server with a database of its own, and one that plays the providers, until standard input ends: for service.ts."""

import json
import sys
import tempfile
from pathlib import Path

from tests.live import serving
from tests.providers.server import FACEBOOK_APP, GOOGLE_CLIENT, Server

settings: dict[str, str] = json.loads(sys.argv[1])
server = Server()
providers = server.providers
with (
    tempfile.TemporaryDirectory() as directory,
    serving(Path(directory), **{**providers.environment, **settings}) as live,
):
    known = {
        "url": live.url,
        "google": {"clientId": GOOGLE_CLIENT, "accessToken": providers.google_token(email="gina@example.com")},
        "facebook": {"clientId": FACEBOOK_APP, "accessToken": providers.facebook_token(email="fay@example.com")},
    }
    print(json.dumps(known), flush=True)  # noqa: T201 - this is the interface
    sys.stdin.read()
server.stop()

"""A server with a database of its own, and one that plays the providers, until standard input ends: for service.ts.

Prints what there is to know; then answers each line, `["name of a command", argument, …]`, with one. All is JSON.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

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
    commands: dict[str, Any] = {
        "manage": live.manage,
        "googleToken": lambda person: providers.google_token(**person),
        "facebookToken": lambda person: providers.facebook_token(**person),
        # What Corp sends back to the redirect URI when this person agrees.
        "authorize": lambda url, person: providers["openid"].authorize(url, **person),
    }
    print(json.dumps(known), flush=True)  # noqa: T201 - this is the interface
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(commands[name](*arguments)), flush=True)  # noqa: T201 - likewise
server.stop()

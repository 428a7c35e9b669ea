"""A server with a database of its own, and one that plays the providers, until standard input ends: for service.ts.

Prints what there is to know; then answers each line, `["name of a command", argument, …]`, with one. All is JSON.
"""

import email
import json
import re
import sys
import tempfile
from email.policy import default
from pathlib import Path
from typing import Any

from tests.live import free_port, serving
from tests.providers.server import FACEBOOK_APP, GOOGLE_CLIENT, Server

settings: dict[str, str] = json.loads(sys.argv[1])
port = free_port()


def mails(outbox: Path, address: str) -> list[dict[str, Any]]:
    """The mails to this address, oldest first: the subject, and the links and codes, each on a line of its own."""
    found = []
    for path in sorted(outbox.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=default)
        if message["To"] == address:
            text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # every mail has one
            found.append({"subject": message["Subject"], "lines": re.findall(r"^    (\S+)$", text, re.MULTILINE)})
    return found


server = Server()
providers = server.providers
with (
    tempfile.TemporaryDirectory() as directory,
    serving(
        Path(directory),
        PORT=str(port),
        FRONT_END_URL=f"http://127.0.0.1:{port}",
        EMAIL_URL=f"outbox://{directory}/outbox",
        **{**providers.environment, **settings},
    ) as live,
):
    known = {
        "url": live.url,
        "google": {"clientId": GOOGLE_CLIENT, "accessToken": providers.google_token(email="gina@example.com")},
        "facebook": {"clientId": FACEBOOK_APP, "accessToken": providers.facebook_token(email="fay@example.com")},
    }
    commands: dict[str, Any] = {
        "manage": live.manage,
        "mails": lambda address: mails(Path(directory) / "outbox", address),
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

"""django-anymail, the documented way to send by a provider's API: our mail reaches it as it is."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from accounts.mails import codes
from accounts.mails.delivery import Outcome, send_due
from accounts.mails.models import Mail

pytest.importorskip("anymail")


class Provider(BaseHTTPRequestHandler):
    """Postmark's API on loopback."""

    status = 200
    seen: list[dict[str, Any]]

    def do_POST(self) -> None:
        """Keep the message, and answer as the provider does."""
        self.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answer = json.dumps({"ErrorCode": 0, "Message": "OK", "MessageID": "1"}).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


@pytest.fixture
def provider(settings) -> Iterator[type[Provider]]:
    """A provider that the settings name."""
    handler = type("Own", (Provider,), {"seen": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        settings.ANYMAIL = {
            "POSTMARK_SERVER_TOKEN": "token",
            "POSTMARK_API_URL": f"http://127.0.0.1:{server.server_port}/",
            "REQUESTS_TIMEOUT": 5,
        }
        yield handler
        server.shutdown()


def test_a_provider_gets_the_mail(queued, provider):
    """Both parts, the headers, and the code."""
    mail = queued()

    assert send_due() == {Outcome.SENT: 1}

    [sent] = provider.seen
    assert (sent["To"], sent["Subject"]) == (mail.email, "Sign in to Latchkey")
    assert codes.typed_code(mail.code) in sent["TextBody"]
    assert codes.link_token(mail.code) in sent["HtmlBody"]
    assert {"Name": "Auto-Submitted", "Value": "auto-generated"} in sent["Headers"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(503, Outcome.UNREACHABLE), (429, Outcome.UNREACHABLE), (401, Outcome.UNREACHABLE), (400, Outcome.POSTPONED)],
)
def test_a_provider_that_refuses_is_asked_again(queued, provider, status, outcome):
    """It has answered, so the mail was not sent. A refusal of one mail holds up no other."""
    provider.status = status
    mail = queued()

    assert send_due() == {outcome: 1}

    mail.refresh_from_db()
    assert (mail.error, mail.maybe_sent) == (f"AnymailRequestsAPIError {status}", False)
    assert Mail.objects.count() == 1

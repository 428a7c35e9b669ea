"""The outbox of development: mails are files in a folder, are printed in short, and are shown at `/dev/outbox`.

Its folder holds usable links and codes, so production refuses it, and its pages exist in development only.
"""

import email
import re
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.policy import default as modern
from pathlib import Path
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.core.mail import EmailMessage as DjangoEmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

KEPT = 50
"""The newest mails; older ones are deleted."""
LINK_OR_CODE = re.compile(r"^    (\S+)$", re.MULTILINE)
"""In the text part, each has a line of its own, indented."""


class OutboxBackend(BaseEmailBackend):
    """Stores mails in EMAIL_FILE_PATH instead of sending them."""

    def send_messages(self, email_messages: Sequence[DjangoEmailMessage]) -> int:
        """Store and print each."""
        for message in email_messages:
            self._store(message)
        return len(email_messages)

    def _store(self, message: DjangoEmailMessage) -> None:
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Sorted by name, the files are sorted by time.
        path = folder / f"{timezone.now():%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex}.eml"
        # Complete as soon as it has its name: a page may be listing the folder.
        unfinished = path.with_suffix(".new")
        unfinished.write_bytes(message.message().as_bytes())
        unfinished.rename(path)
        for old in _files()[KEPT:]:
            old.unlink(missing_ok=True)
        # Not from the bytes: to parse them takes longer than all else that is done for a mail.
        sys.stdout.write(_in_short(", ".join(message.to), str(message.subject), str(message.body)))
        sys.stdout.flush()


@dataclass(frozen=True)
class Stored:
    """A mail of the outbox."""

    key: str
    to: str
    subject: str
    date: str
    text: str
    html: str

    @classmethod
    def of(cls, key: str, content: bytes) -> "Stored":
        """Parse a mail."""
        message = email.message_from_bytes(content, policy=modern)
        parts = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
        text, html = (str(part.get_content()) if part else "" for part in parts.values())
        return cls(key, str(message["To"]), str(message["Subject"]).strip(), str(message["Date"]), text, html)


def _in_short(to: str, subject: str, text: str) -> str:
    lines = "".join(f"    {found}\n" for found in LINK_OR_CODE.findall(text))
    return f"\n  Mail to {to}: {subject}\n{lines}\n"


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH)


def _files() -> list[Path]:
    """The newest first."""
    return sorted(_folder().glob("*.eml"), reverse=True)


def _stored() -> Iterator[Stored]:
    """The newest first, without those that another process deletes meanwhile."""
    for path in _files():
        with suppress(FileNotFoundError):
            yield Stored.of(path.stem, path.read_bytes())


@csrf_exempt  # so that a POST gets 405 instead of a CSRF error
@require_safe
@never_cache
@csp_replace({"default-src": ["'none'"], "style-src": ["'unsafe-inline'"], "frame-src": ["'self'"]})
def outbox(request: HttpRequest, key: str = "") -> HttpResponse:
    """List the mails, and show one: the newest, unless a key is given."""
    mails = list(_stored())
    shown = next((mail for mail in mails if mail.key == key or not key), None)
    if key and shown is None:
        raise Http404
    context: dict[str, Any] = {"mails": mails, "shown": shown, "folder": _folder()}
    return render(request, "outbox.html", context)


@csrf_exempt  # so that a POST gets 405 instead of a CSRF error
@require_safe
@never_cache
@xframe_options_sameorigin
@csp_replace(  # type: ignore[arg-type]  # its type knows no captured values
    {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "frame-ancestors": ["'self'"],
        # No script, no form, no access to this origin, also if it is opened alone.
        "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
    }
)
def html_part(_request: HttpRequest, key: str) -> HttpResponse:
    """The HTML of a mail, as a mail program shows it. Its links open in a new tab."""
    mail = next((mail for mail in _stored() if mail.key == key), None)
    if mail is None:
        raise Http404
    return HttpResponse(mail.html.replace("<head>", '<head><base target="_blank">', 1))

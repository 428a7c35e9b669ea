"""Subject, text and HTML of a mail in the language of its recipient.

Links and codes come into being here, when the mail is sent, and are not stored (S86). Links begin with the front-end
URL of the client that asked, never with a Host header (S91).
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.template import Engine
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import get_language_bidi, override

from accounts.conf import latchkey
from accounts.mails import codes
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.shared.languages import nearest_language

OWN_TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "mails"
PARTS = ("subject.txt", "body.txt", "body.html")
PATHS = {
    Purpose.VERIFY: "/verify-email",
    Purpose.RESET: "/reset-password",
    Purpose.SIGN_IN: "/sign-in-link",
    Purpose.CHANGE_EMAIL: "/confirm-email",
    Purpose.UNDO_EMAIL_CHANGE: "/undo-email-change",
    Purpose.SECURE: "/secure-account",
    Purpose.CANCEL_DELETION: "/cancel-deletion",
}
"""The page of the front end that the link opens. A code to confirm its holder has no link."""
DISOWN_PATH, SIGN_IN_PATH, SIGN_UP_PATH = "/disown-registration", "/sign-in", "/register"
LONGEST_VALUE = 100
ISOLATE, END_ISOLATE = "\u2068", "\u2069"
"""They keep foreign text from reordering the line around it (UAX #9)."""
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A mail, ready to be sent."""

    language: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


def render(mail: Mail) -> Rendered:
    """Render a mail. Raises ImproperlyConfigured, ValueError for an unknown template, and what templates raise."""
    template = Template(mail.template)
    language = nearest_language(mail.locale)
    plain, marked = engines(latchkey().mail_templates)
    with override(language):
        right_to_left = get_language_bidi()
        own = {**_values(mail), "lang": language, "dir": "rtl" if right_to_left else "ltr"}
        data = {name: _shown(name, value) for name, value in mail.data.items()}
        texts = {name: value for name, value in data.items() if value and isinstance(value, str)}
        isolated = {
            **data,
            **{name: f"{ISOLATE}{value}{END_ISOLATE}" for name, value in texts.items() if right_to_left},
        }
        bdi = {**data, **{name: format_html("<bdi>{}</bdi>", value) for name, value in texts.items()}}
        # A header holds no line break.
        subject = " ".join(plain.render_to_string(f"{template}/subject.txt", {**isolated, **own}).split())
        own["subject"] = subject
        text: str = plain.render_to_string(f"{template}/body.txt", {**isolated, **own})
        html = marked.render_to_string(f"{template}/body.html", {**bdi, **own})
    text = re.sub(r"\n(?:[ \t]*\n)+", "\n\n", text).strip()
    return Rendered(language=language, subject=subject, text=f"{text}\n", html=html)


@lru_cache(maxsize=4)
def engines(folder: str) -> tuple[Engine, Engine]:
    """The engines of plain text and of HTML, which escapes. Files of the folder replace ours of the same name."""
    folders = [*filter(None, [folder]), str(OWN_TEMPLATES)]
    plain, marked = (
        Engine(dirs=folders, autoescape=autoescape, libraries={"i18n": "django.templatetags.i18n"})
        for autoescape in (False, True)
    )
    return plain, marked


def _values(mail: Mail) -> dict[str, Any]:
    """The variables of all templates."""
    front_end = _front_end(mail)
    values = {
        "service": latchkey().service_name,
        "repeated": mail.maybe_sent,
        "sign_in_link": f"{front_end}{SIGN_IN_PATH}",
        "sign_up_link": f"{front_end}{SIGN_UP_PATH}" if latchkey().registration_open else "",
    }
    return values | (_values_of_code(mail.code, front_end) if mail.code else {})


def _values_of_code(code: MailedCode, front_end: str) -> dict[str, Any]:
    values: dict[str, Any] = {"code": codes.typed_code(code), **_lifetime(code)}
    fragment = f"#token={codes.link_token(code)}"
    if code.purpose in PATHS:
        values["link"] = f"{front_end}{PATHS[Purpose(code.purpose)]}{fragment}"
    if code.purpose == Purpose.VERIFY:
        values["disown_link"] = f"{front_end}{DISOWN_PATH}{fragment}"
    return values


def _lifetime(code: MailedCode) -> dict[str, int]:
    """The remaining lifetime of the code, in one unit."""
    left = max(MINUTE, (code.expires_at - timezone.now()).total_seconds())
    for name, seconds in (("days", DAY), ("hours", HOUR)):
        if left > 2 * seconds - MINUTE:
            return {name: round(left / seconds)}
    return {"minutes": round(left / MINUTE)}


def _front_end(mail: Mail) -> str:
    """The base URL of the pages that links open, without a slash at its end."""
    own = latchkey()
    url = (mail.client.front_end_url if mail.client else "") or own.front_end_url or next(iter(own.public_urls), "")
    if not url:
        raise ImproperlyConfigured("Set FRONT_END_URL or PUBLIC_URL: mailed links need it.")
    return url.rstrip("/")


def _shown(name: str, value: Any) -> str | int:
    """A value of the row's data. Some come from strangers: it is bounded, and on one line.

    Numbers and truth values stay what they are: templates count and decide with them.
    """
    if isinstance(value, int):
        return value
    if name == "due":
        due = datetime.fromisoformat(value).astimezone(UTC)
        # Languages put different words between a date and a time: "at", "um", "à".
        return f"{date_format(due, 'DATE_FORMAT')} ({date_format(due, 'TIME_FORMAT')} UTC)"
    text = "".join(character if character.isprintable() else " " for character in str(value)[: 2 * LONGEST_VALUE])
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"

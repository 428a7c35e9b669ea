"""System checks of mails."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import latchkey
from accounts.mails.rendering import PARTS, engines
from accounts.mails.templates import Template

NUMBERS = {"minutes": 1, "left": 1}
"""The variables that templates count with. For any other, nothing stands as well."""


@register(Tags.security, deploy=True)
def mails_can_be_sent(**_kwargs: Any) -> list[CheckMessage]:
    """Warn if nobody has said how mails are sent: without them nobody recovers an account."""
    if settings.MAIL_IS_CONFIGURED:
        return []
    return [
        checks.Warning(
            "Mails go to a server on this machine, at port 25, because no other is set.",
            hint="Set EMAIL_URL: smtp://user:password@smtp.example.com:587, or smtp://localhost if that is right.",
            id="accounts.W005",
        )
    ]


@register(Tags.security, deploy=True)
def mailed_links_have_a_front_end(**_kwargs: Any) -> list[CheckMessage]:
    """Warn if the links of clients without a URL of their own would have none."""
    if latchkey().front_end_url or latchkey().public_urls:
        return []
    return [
        checks.Warning(
            "Mailed links have no front end, so mails of clients without a front-end URL cannot be sent.",
            hint="Set FRONT_END_URL, or PUBLIC_URL if this service serves the front end.",
            id="accounts.W006",
        )
    ]


@register(Tags.templates)
def templates_can_be_read(**_kwargs: Any) -> list[CheckMessage]:
    """Render the templates, if a folder replaces some."""
    folder = latchkey().mail_templates
    if not folder:
        return []
    if not Path(folder).is_dir():
        return [Error("MAIL_TEMPLATES is not a folder.", id="accounts.E005")]
    found = []
    plain, marked = engines(folder)
    for template in Template:
        for part in PARTS if template != Template.NOTHING else ():
            try:
                # Without its values: to find what is misspelt or missing, inherited and included files too.
                engine = marked if part.endswith(".html") else plain
                engine.render_to_string(f"{template}/{part}", NUMBERS)
            except Exception as error:  # noqa: BLE001 - a file may also be unreadable
                found.append(f"{template}/{part}: {error}")
    return [
        Error(f"A template of mails cannot be used: {text}", hint="See MAIL_TEMPLATES.", id="accounts.E005")
        for text in found
    ]

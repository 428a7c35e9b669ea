"""Language tags (BCP 47).

Django's own functions accept only languages that it is translated into, and its pattern for headers accepts tags that
are not well-formed.
"""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST_TAG = 35
"""What RFC 5646 §4.4.1 tells protocols with a limit to allow."""
WELL_FORMED = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"  # language
    r"(?:-[a-z]{4})?"  # script
    r"(?:-(?:[a-z]{2}|[0-9]{3}))?"  # region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"  # private use
)
"""RFC 5646 §2.1, without the grandfathered tags, for text in lower case."""
REGION, SCRIPT = 2, 4
"""The lengths of these subtags."""


def canonical_language(tag: str) -> str:
    """The tag as RFC 5646 §2.1.1 writes it, such as `pt-BR`. Any well-formed tag: mails fall back to a near language.

    Raises ValidationError.
    """
    # Non-ASCII letters are refused first: the Kelvin sign is `k` in lower case.
    if len(tag) > LONGEST_TAG or not tag.isascii() or not WELL_FORMED.fullmatch(tag.lower()):
        raise ValidationError(_("This is not a language tag, such as de or pt-BR."), code="invalid")
    written: list[str] = []
    after_singleton = False
    for subtag in tag.lower().split("-"):
        if not written or after_singleton:
            written.append(subtag)
        elif len(subtag) == REGION:
            written.append(subtag.upper())
        else:
            written.append(subtag.title() if len(subtag) == SCRIPT and subtag.isalpha() else subtag)
        after_singleton = after_singleton or len(subtag) == 1
    return "-".join(written)

"""Language tags (BCP 47), and the languages that the service speaks: those of `settings.LANGUAGES`.

Django's own functions accept only languages that it is translated into, and its pattern for headers accepts tags that
are not well-formed.
"""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_supported_language_variant
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
RANGE = re.compile(r"([a-z0-9-]+|\*)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?", re.IGNORECASE)
"""A language of Accept-Language with its weight (RFC 9110 §12.4.2)."""
MOST_RANGES = 20
"""More of one header are not read. Browsers send as many as their user has chosen, rarely five."""


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


def nearest_language(*tags: str) -> str:
    """The first of these languages that the service speaks, or one near to it: `de` for `de-AT`. English if none is."""
    for tag in tags:
        if len(tag) <= LONGEST_TAG:  # Django caches look-ups by the text (S92)
            try:
                return get_supported_language_variant(tag.lower())
            except LookupError:
                continue
    return settings.LANGUAGE_CODE


def accepted_language(header: str) -> str:
    """The language for an answer to this Accept-Language header (RFC 9110 §12.5.4).

    Unlike Django's, it takes `q=0` for a refusal, and caches no headers: a thousand large ones take 16 MB (S92).
    """
    matches = (RANGE.fullmatch(item.strip(" \t")) for item in header.split(",", MOST_RANGES)[:MOST_RANGES])
    wanted = [(float(match[2] or 1), match[1]) for match in matches if match]
    by_weight = sorted(wanted, key=lambda pair: pair[0], reverse=True)
    return nearest_language(*(settings.LANGUAGE_CODE if tag == "*" else tag for weight, tag in by_weight if weight))

"""Canonical forms of e-mail addresses and passwords, and the rules for a line of text.

Validators raise Django's ValidationError with a stable `code`.
"""

import contextlib
import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.conf import latchkey

INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
INVISIBLE_CHARACTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Invisible letters and marks. Names that look the same must not differ by one of these."""
UNASSIGNED_BLOCKS = (range(0x2065, 0x2066), range(0xFDD0, 0xFDF0), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))
"""Noncharacters, and code points reserved for invisible characters. So are the last two of each plane."""
JOINERS = frozenset("\u200c\u200d")
"""Zero-width joiners: the only format characters that names in living languages need."""


def canonical_email(email: str) -> str:
    """The canonical form, in which addresses are stored and looked up: trimmed, lower case, the domain in ASCII.

    A domain in another script is stored as in DNS (`xn--…`), which exposes lookalikes. Python lower-cases because
    databases disagree about letters outside ASCII. An address without a canonical form is returned trimmed and in
    lower case; the form refuses it.
    """
    local, at, domain = email.strip().lower().rpartition("@")
    if not domain.isascii():
        with contextlib.suppress(idna.IDNAError):
            domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}{at}{domain}"


def validate_plain_text(value: str) -> None:
    """Refuse characters that can forge or garble a line of text: invisible and bidi characters, `:`, `/` (S62).

    E-mails greet people by name; without `:` and `/` a name cannot smuggle a link into one.
    """
    if any(character in ":/" for character in value) or has_invisible(value):
        raise ValidationError(_("This must not contain invisible characters, a colon or a slash."), code="invalid")


def has_invisible(text: str) -> bool:
    """Whether the text has invisible characters or ones that change how others are displayed.

    Characters newer than this Python's Unicode tables count as visible: devices may display them.
    """
    return any(_is_invisible(character) for character in text)


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cn":
        code_point = ord(character)
        return code_point & 0xFFFE == 0xFFFE or any(code_point in block for block in UNASSIGNED_BLOCKS)  # noqa: PLR2004 - see above
    return character in INVISIBLE_CHARACTERS or (category in INVISIBLE_CATEGORIES and character not in JOINERS)


PUBLIC_DOMAIN = re.compile(r"\.(?![0-9]+$)[^.@\[\]]+$")
"""The end of a domain that is neither an IP address nor the name of one machine."""


def validate_address(value: str) -> None:
    """Refuse addresses that Django's EmailValidator accepts but that are unsafe.

    These have no ASCII form: a local part in another script (Django compares without case and so accepts a long s),
    and a domain that IDNA refuses. Also a quoted local part, which may hold control characters, and a domain with
    invisible characters, which IDNA drops. And an IP address or `localhost` as domain: strangers could choose which
    machine of our network the mail server connects to.
    """
    local, _at, domain = value.strip().rpartition("@")
    canonical = canonical_email(value)
    has_ascii_form = canonical.isascii() and local.isascii()
    if not has_ascii_form or '"' in local or has_invisible(domain) or not PUBLIC_DOMAIN.search(canonical):
        raise ValidationError(_("Enter a valid e-mail address."), code="invalid")


MAX_NFC_SHRINKAGE = 3
"""Normalizing shortens UTF-8 by at most this factor: U+1FEF and U+3000 shrink from 3 bytes to 1."""


def is_overlong(password: str) -> bool:
    """Whether the text exceeds the maximum in any form, so that normalizing or hashing it is pointless."""
    return len(password.encode()) > MAX_NFC_SHRINKAGE * latchkey().password_max_bytes


def prepared_password(password: str) -> str:
    """The normalized form in which a password is validated and hashed, independent of the keyboard (S83).

    Every space is U+0020, then NFC (OpaqueString, RFC 8265 §4.2). Overlong text is returned unchanged: normalizing
    a run of combining marks takes quadratic time (S80).
    """
    if password.isascii() or is_overlong(password):
        return password
    with_plain_spaces = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", with_plain_spaces)

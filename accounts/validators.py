"""What names, addresses and passwords may be. Validators raise Django's ValidationError with a stable `code`."""

import contextlib
import itertools
import unicodedata
from typing import TYPE_CHECKING

import idna
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.conf import latchkey

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

BIDI_AND_CONTROL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing: two names that look the same must not differ by one."""
JOINERS = frozenset("\u200c\u200d")
"""Zero-width joiners: of the format characters, the only ones that names of living languages need."""


def canonical_email(email: str) -> str:
    """The one spelling under which an address is stored and looked up: trimmed, lower case, the domain in ASCII.

    A domain in another script is stored as it travels in DNS (`xn--…`), so that a look-alike shows itself.
    Python does the lower-casing because the databases disagree about letters outside ASCII.
    What has no such spelling is returned trimmed and lower-cased, for the form to refuse.
    """
    local, at, domain = email.strip().lower().rpartition("@")
    if not domain.isascii():
        with contextlib.suppress(idna.IDNAError):
            domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}{at}{domain}"


def username_key(username: str) -> str:
    """What makes two usernames the same: compatibility-normalised and without letter case (UTS 36)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())


def validate_plain_text(value: str) -> None:
    """Refuse what could forge or garble a line of text: invisible and bidi characters, `:`, `/` (S62).

    Our mails greet people by name; without these nobody's name can carry a link into them.
    """
    if any(character in ":/" for character in value) or has_invisible(value):
        raise ValidationError(_("This must not contain invisible characters, a colon or a slash."), code="invalid")


def has_invisible(text: str) -> bool:
    """Whether the text has characters that show nothing or change how others are shown."""
    return any(
        character in INVISIBLE or (unicodedata.category(character) in BIDI_AND_CONTROL and character not in JOINERS)
        for character in text
    )


def validate_address(value: str) -> None:
    """What Django's EmailValidator lets pass and we do not.

    A local part outside ASCII (it compares without case, and so takes a long s for an s), a quoted one (it may hold
    control characters), and a domain with invisible characters (IDNA drops them).
    """
    local, _at, domain = value.strip().rpartition("@")
    if not local.isascii() or '"' in local or has_invisible(domain):
        raise ValidationError(_("Enter a valid e-mail address."), code="invalid")


validate_username = RegexValidator(
    r"^[\w.+-]+\Z",
    _("A username has letters, digits and . + - _ only."),
    code="invalid",
)
"""No `@`: usernames are public, and nobody shall publish an e-mail address by using it as one."""


class MaximumBytesValidator:
    """A hard cap on what is hashed (S5): longer passwords are refused, never truncated."""

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Raise `password_too_long` over the configured number of bytes."""
        if len(password.encode()) > latchkey().password_max_bytes:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """For Django's password forms."""
        return _("Your password must have at most %(bytes)d bytes.") % {"bytes": latchkey().password_max_bytes}


class MinimumLengthValidator:
    """Django's, with the minimum read from our settings at use."""

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Raise `password_too_short` under the configured number of characters."""
        if len(password) < latchkey().password_min_length:
            raise ValidationError(self.get_help_text(), code="password_too_short")

    def get_help_text(self) -> str:
        """For Django's password forms."""
        return _("Your password must have at least %(min)d characters.") % {"min": latchkey().password_min_length}


class PredictablePasswordValidator:
    """What is long enough and still the first thing that is tried (S6).

    Runs and repetitions of few characters, and common or personal words dressed with digits and marks.
    """

    context_words = ("latchkey", "password", "passwort", "welcome", "letmein", "qwerty", "iloveyou", "admin")
    personal = ("username", "first_name", "last_name", "email")
    fewest_distinct_characters = 5
    fewest_letters_beside = 4
    shortest_word = 3

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Raise `password_too_common`, or `password_too_similar` where it is made of the person's own words."""
        if len(set(password)) < self.fewest_distinct_characters or _is_run(password):
            raise ValidationError(self.get_help_text(), code="password_too_common")
        own = " ".join(str(getattr(user, name, "")) for name in self.personal)
        if self._is_made_of(_words(own), password):
            raise ValidationError(_("The password is made of your name or address."), code="password_too_similar")
        if self._is_made_of({*self.context_words, *_words(own)}, password):
            raise ValidationError(self.get_help_text(), code="password_too_common")

    def get_help_text(self) -> str:
        """For Django's password forms."""
        return str(_("Your password must not be a run, a repetition or a common word with digits."))

    def _is_made_of(self, words: set[str], password: str) -> bool:
        """Whether little but these words is left when digits and marks are taken away."""
        letters = rest = "".join(c for c in _folded(password) if c.isalpha())
        for word in sorted(words, key=len, reverse=True):
            if len(word) >= self.shortest_word:
                rest = rest.replace(word, "")
        return rest != letters and len(rest) < self.fewest_letters_beside


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(text: str) -> set[str]:
    """The runs of letters."""
    return set("".join(c if c.isalpha() else " " for c in _folded(text)).split())


def _is_run(password: str) -> bool:
    """Whether most characters follow their predecessor in code order, like 123456789012 or abcdefghijkl."""
    steps = [ord(b) - ord(a) for a, b in itertools.pairwise(password)]
    return sum(step in (-1, 0, 1) for step in steps) > len(steps) * 0.8

"""Password rules. Validators raise Django's ValidationError with a stable `code`."""

import itertools
import logging
import unicodedata
from typing import TYPE_CHECKING, Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.conf import latchkey
from accounts.passwords.leaked import leaked_passwords
from accounts.passwords.strength import strength
from accounts.shared.texts import is_overlong, prepared_password

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

log = logging.getLogger(__name__)

PERSONAL_ATTRIBUTES = ("username", "first_name", "last_name", "email")


class MaximumBytesValidator:
    """A hard limit on the bytes that are hashed (S5). Longer passwords are refused, never truncated."""

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Raise `password_too_long` above the configured number of bytes."""
        if len(prepared_password(password).encode()) > latchkey().password_max_bytes:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        """The hint in Django's password forms."""
        return _("Your password must have at most %(bytes)d bytes.") % {"bytes": latchkey().password_max_bytes}


class MinimumLengthValidator:
    """Django's, with the minimum read from our settings on each call."""

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Raise `password_too_short` below the configured number of characters."""
        if len(prepared_password(password)) < latchkey().password_min_length:
            raise ValidationError(self.get_help_text(), code="password_too_short")

    def get_help_text(self) -> str:
        """The hint in Django's password forms."""
        return _("Your password must have at least %(min)d characters.") % {"min": latchkey().password_min_length}


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    """Django's, applied to the normalized password."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise `password_too_common`."""
        super().validate(prepared_password(password), user)


class LeakedPasswordValidator:
    """Refuses passwords that leaked from other services, if there is a file of them (S6)."""

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Raise `password_too_common` for a password of the file."""
        path = latchkey().leaked_passwords
        if not path or is_overlong(password):
            return
        try:
            leaked = leaked_passwords(path)
        except (OSError, ValueError):
            # The check reports it at the start; a file that is lost later must not stop all registrations.
            log.exception("LEAKED_PASSWORDS cannot be read: no password was looked up")
            return
        if leaked.has(password):
            raise ValidationError(_("This password has leaked from another service."), code="password_too_common")

    def get_help_text(self) -> str:
        """The hint in Django's password forms."""
        return str(_("Your password must not be one that has leaked from another service."))


class SimilarPasswordValidator(password_validation.UserAttributeSimilarityValidator):
    """Django's, applied to the normalized password."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise `password_too_similar`."""
        super().validate(prepared_password(password), user)


class StrengthValidator:
    """Refuses passwords below the estimated strength that the settings ask for, if they do."""

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Raise `password_too_weak`."""
        minimum = latchkey().password_min_strength
        if not minimum or is_overlong(password):
            return
        personal = [_folded(str(getattr(user, name, ""))) for name in PERSONAL_ATTRIBUTES]
        words = dict.fromkeys([*filter(None, personal), *sorted(_words(" ".join(personal)))])
        if strength(prepared_password(password), words) < minimum:
            raise ValidationError(self.get_help_text(), code="password_too_weak")

    def get_help_text(self) -> str:
        """The hint in Django's password forms."""
        return str(_("Your password must not be easy to guess. Several unusual words are better than many signs."))


class PredictablePasswordValidator:
    """Refuses passwords that are long enough but among the first guesses (S6).

    These are sequences, repetitions of few characters, and common or personal words padded with digits and marks.
    """

    common_words = ("latchkey", "password", "passwort", "welcome", "letmein", "qwerty", "iloveyou", "admin")
    min_distinct_characters = 5
    min_other_letters = 4
    min_word_length = 3

    def validate(self, password: str, user: "AbstractBaseUser | None" = None) -> None:
        """Raise `password_too_common`, or `password_too_similar` for a password made of personal words."""
        if is_overlong(password):
            # MaximumBytesValidator refuses it. Normalizing it would take quadratic time (S80).
            return
        password = prepared_password(password)
        if len(set(password)) < self.min_distinct_characters or _is_sequence(password):
            raise ValidationError(self.get_help_text(), code="password_too_common")
        personal_text = " ".join(str(getattr(user, name, "")) for name in PERSONAL_ATTRIBUTES)
        if self._is_made_of(_words(personal_text), password):
            raise ValidationError(_("The password is made of your name or address."), code="password_too_similar")
        if self._is_made_of({*self.common_words, *_words(personal_text)}, password):
            raise ValidationError(self.get_help_text(), code="password_too_common")

    def get_help_text(self) -> str:
        """The hint in Django's password forms."""
        return str(_("Avoid sequences, repeated characters, and common words with digits."))

    def _is_made_of(self, words: set[str], password: str) -> bool:
        """Whether the password's letters are little else than these words."""
        letters = rest = "".join(c for c in _folded(password) if c.isalpha())
        for word in sorted(words, key=len, reverse=True):
            if len(word) >= self.min_word_length:
                rest = rest.replace(word, "")
        return rest != letters and len(rest) < self.min_other_letters


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(text: str) -> set[str]:
    """The words of the text, folded."""
    return set("".join(c if c.isalpha() else " " for c in _folded(text)).split())


def _is_sequence(password: str) -> bool:
    """Whether most characters repeat or neighbour the previous code point, as in 123456789012 or abcdefghijkl."""
    steps = [ord(b) - ord(a) for a, b in itertools.pairwise(password)]
    return sum(step in (-1, 0, 1) for step in steps) > len(steps) * 0.8

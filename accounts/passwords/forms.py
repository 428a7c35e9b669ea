"""Validation of a new account with a password."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator

from accounts.errors import AccountsError, InvalidInput, Required
from accounts.passwords.errors import (
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    PasswordTooSimilar,
    PasswordTooWeak,
)
from accounts.people.forms import AccountForm, UntoldAddress
from accounts.people.models import Account
from accounts.shared.languages import canonical_language

KINDS: dict[tuple[str, str] | str, type[AccountsError]] = {
    "password_too_short": PasswordTooShort,
    "password_too_long": PasswordTooLong,
    "password_too_common": PasswordTooCommon,
    "password_too_similar": PasswordTooSimilar,
    "password_too_weak": PasswordTooWeak,
}
"""Maps the codes of password validators to our errors."""


class RegistrationForm(AccountForm):
    """An account with a password."""

    password = forms.CharField(strip=False)

    class Meta(AccountForm.Meta):
        fields = (*AccountForm.Meta.fields, "locale")

    kinds: ClassVar = {**AccountForm.kinds, **KINDS}

    def clean_locale(self) -> str:
        """The canonical form of the tag."""
        return canonical_language(self.cleaned_data["locale"])

    def clean(self) -> dict[str, Any]:
        """Validate the password against the other fields (S6)."""
        cleaned = super().clean() or self.cleaned_data
        if "password" in cleaned:
            attributes = {name: cleaned.get(name, "") for name in AccountForm.Meta.fields}
            try:
                validate_password(cleaned["password"], Account(**attributes))
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class InvitationForm(RegistrationForm):
    """An account whose holder chooses the password later."""

    password = None  # type: ignore[assignment]  # so Django removes a field of the base


class PendingForm(UntoldAddress, RegistrationForm):
    """The same, where confirmation is mandatory."""


def password_failures(password: str, account: Account, *, field: tuple[str, ...]) -> tuple[AccountsError, ...]:
    """All failures of a new password of the account, each type at most once."""
    if not password:
        return (Required(field=field),)
    found: dict[type[AccountsError], AccountsError] = {}
    try:
        ProhibitNullCharactersValidator()(password)
        validate_password(password, account)
    except ValidationError as refusal:
        for error in refusal.error_list:
            kind = KINDS.get(error.code or "", InvalidInput)
            found.setdefault(kind, kind(" ".join(error.messages), field=field))
    return tuple(found.values())

"""Validation of a new account with a password."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.passwords.errors import PasswordTooCommon, PasswordTooLong, PasswordTooShort, PasswordTooSimilar
from accounts.people.forms import AccountForm
from accounts.people.models import Account


class RegistrationForm(AccountForm):
    """An account with a password."""

    password = forms.CharField(strip=False)

    kinds: ClassVar = {
        **AccountForm.kinds,
        "password_too_short": PasswordTooShort,
        "password_too_long": PasswordTooLong,
        "password_too_common": PasswordTooCommon,
        "password_too_similar": PasswordTooSimilar,
    }

    def clean(self) -> dict[str, Any]:
        """Validate the password against the other fields (S6)."""
        cleaned = super().clean() or self.cleaned_data
        if "password" in cleaned:
            attributes = {name: cleaned.get(name, "") for name in self.Meta.fields}
            try:
                validate_password(cleaned["password"], Account(**attributes))
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned

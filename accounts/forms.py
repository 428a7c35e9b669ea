"""What an account must look like, checked field by field, with every failure told at once."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.exceptions import (
    AccountsError,
    EmailTaken,
    InvalidInput,
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    PasswordTooSimilar,
    Required,
    TooLong,
    UsernameTaken,
    ValidationFailed,
)
from accounts.models import Account

FAILURES: dict[tuple[str, str] | str, type[AccountsError]] = {
    "required": Required,
    "max_length": TooLong,
    ("email", "unique"): EmailTaken,
    ("username", "unique"): UsernameTaken,
    "password_too_short": PasswordTooShort,
    "password_too_long": PasswordTooLong,
    "password_too_common": PasswordTooCommon,
    "password_too_similar": PasswordTooSimilar,
}
"""Django's codes of validation errors, for one field or for any. All others are InvalidInput."""


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What every account needs; alone it makes one that signs in through a provider."""

    class Meta:
        model = Account
        fields = ("email", "username", "first_name", "last_name")


class RegistrationForm(AccountForm):
    """An account with a password."""

    password = forms.CharField(strip=False)

    def clean(self) -> dict[str, Any]:
        """Judge the password in the light of the other fields (S6)."""
        cleaned = super().clean() or self.cleaned_data
        if "password" in cleaned:
            attributes = {name: cleaned.get(name, "") for name in self.Meta.fields}
            try:
                validate_password(cleaned["password"], Account(**attributes))
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


def create_account(form: AccountForm, *, email_verified: bool = False) -> Account:
    """Store what the form holds. Raises ValidationFailed with every failure of every field."""
    return store(form, validated(form, email_verified=email_verified))


def validated(form: AccountForm, *, email_verified: bool = False) -> Account:
    """The account that the form holds, with its password hashed, to be stored. Raises ValidationFailed.

    Apart from storing because hashing is slow: it does not belong into a transaction.
    """
    if not form.is_valid():
        raise ValidationFailed(failures(form))
    account: Account = form.instance
    account.email_verified = email_verified
    account.set_password(form.cleaned_data.get("password"))
    return account


def store(form: AccountForm, account: Account) -> Account:
    """Store a validated account. Raises ValidationFailed if another one was faster."""
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        # Another registration won the race since the form looked: looking again says which field lost it.
        again = type(form)(form.data)
        if again.is_valid():
            raise
        raise ValidationFailed(failures(again)) from None
    return account


def failures(form: AccountForm) -> tuple[AccountsError, ...]:
    """The form's errors as ours, each kind once for a field."""
    found: dict[tuple[str, type[AccountsError]], AccountsError] = {}
    for name, errors in form.errors.as_data().items():
        for error in errors:
            code = error.code or ""
            kind = FAILURES.get((name, code), FAILURES.get(code, InvalidInput))
            found.setdefault((name, kind), kind(" ".join(error.messages), field=(name,)))
    return tuple(found.values())

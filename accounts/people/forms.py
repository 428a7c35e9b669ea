"""Validation and storage of accounts. All failures of all fields are reported at once."""

from typing import ClassVar

from django import forms
from django.db import IntegrityError, transaction

from accounts.errors import AccountsError, InvalidInput, Required, TooLong, ValidationFailed
from accounts.people.errors import EmailTaken, UsernameTaken
from accounts.people.models import Account


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """The fields of every account. Without a password field, for accounts that sign in through a provider."""

    class Meta:
        model = Account
        fields = ("email", "username", "first_name", "last_name")

    kinds: ClassVar[dict[tuple[str, str] | str, type[AccountsError]]] = {
        "required": Required,
        "max_length": TooLong,
        ("email", "unique"): EmailTaken,
        ("username", "unique"): UsernameTaken,
    }
    """Maps Django's validation error codes, for one field or any, to our errors. Other codes become InvalidInput."""


def create_account(form: AccountForm, *, email_verified: bool = False) -> Account:
    """Validate the form and store its account. Raises ValidationFailed with all failures of all fields."""
    return store(form, validated(form, email_verified=email_verified))


def validated(form: AccountForm, *, email_verified: bool = False) -> Account:
    """Validate the form and return its account, not stored yet, with a hashed password. Raises ValidationFailed.

    Call outside a transaction: hashing is slow.
    """
    if not form.is_valid():
        raise ValidationFailed(failures(form))
    account: Account = form.instance
    account.email_verified = email_verified
    account.set_password(form.cleaned_data.get("password"))
    return account


def store(form: AccountForm, account: Account) -> Account:
    """Store a validated account. Raises ValidationFailed if a concurrent registration took its address or username."""
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        # Another registration won the race after validation. Validating again finds the field that collides.
        rechecked = type(form)(form.data)
        if rechecked.is_valid():
            raise
        raise ValidationFailed(failures(rechecked)) from None
    return account


def failures(form: AccountForm) -> tuple[AccountsError, ...]:
    """Convert the form's errors to ours, each type at most once per field."""
    failures_by_type: dict[tuple[str, type[AccountsError]], AccountsError] = {}
    for name, errors in form.errors.as_data().items():
        for error in errors:
            code = error.code or ""
            kind = form.kinds.get((name, code), form.kinds.get(code, InvalidInput))
            failures_by_type.setdefault((name, kind), kind(" ".join(error.messages), field=(name,)))
    return tuple(failures_by_type.values())

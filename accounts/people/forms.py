"""Validation and storage of accounts. All failures of all fields are reported at once."""

from collections.abc import Mapping
from typing import ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.conf import latchkey
from accounts.errors import AccountsError, InvalidInput, Required, TooLong, ValidationFailed
from accounts.people.errors import EmailTaken, UsernameTaken
from accounts.people.models import Account
from accounts.people.usernames import is_reserved, username_key
from accounts.shared.languages import canonical_language


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """The fields of every account. Without a password field, for accounts that sign in through a provider."""

    class Meta:
        model = Account
        fields: tuple[str, ...] = ("email", "username", "first_name", "last_name")

    kinds: ClassVar[dict[tuple[str, str] | str, type[AccountsError]]] = {
        "required": Required,
        "max_length": TooLong,
        ("email", "unique"): EmailTaken,
        ("username", "unique"): UsernameTaken,
        # The advice is the same as for a taken one: choose another. Its form is right, so InvalidInput would mislead.
        ("username", "reserved"): UsernameTaken,
    }
    """Maps Django's validation error codes, for one field or any, to our errors. Other codes become InvalidInput."""

    def full_clean(self) -> None:
        """As Django; also refuses a reserved username that is right otherwise, unless it is the account's own."""
        super().full_clean()
        if self.is_bound and "username" in self.cleaned_data:
            key = username_key(self.cleaned_data["username"])
            own = not self.instance._state.adding and key == self.instance.username_key  # noqa: SLF001
            if not own and is_reserved(key, latchkey().reserved_usernames):
                self.add_error("username", ValidationError(_("This username is not available."), code="reserved"))


class UntoldAddress(AccountForm):
    """Does not look up whether the address has an account, for registrations that must not tell (S61)."""

    def validate_unique(self) -> None:
        """As Django, without the address."""
        try:
            self.instance.validate_unique(exclude={*self._get_validation_exclusions(), "email"})  # type: ignore[attr-defined]
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]


class ProfileForm(AccountForm):
    """The fields of the profile that its holder changes: those that are given; the others stay."""

    class Meta(AccountForm.Meta):
        fields = ("username", "first_name", "last_name", "locale")

    def __init__(self, changes: Mapping[str, str], *, instance: Account) -> None:
        super().__init__(dict(changes), instance=instance)
        for name in self.fields.keys() - changes.keys():
            del self.fields[name]

    def clean_locale(self) -> str:
        """The canonical form of the tag."""
        return canonical_language(self.cleaned_data["locale"])


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

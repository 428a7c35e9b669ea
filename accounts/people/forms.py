"""Validation and storage of accounts. All failures of all fields are reported at once."""

import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, router
from django.db.models import Q
from django.db.models.signals import post_save, pre_save
from django.utils.translation import gettext_lazy as _

from accounts.conf import latchkey
from accounts.errors import AccountsError, InvalidInput, Required, TooLong, ValidationFailed
from accounts.people.errors import EmailTaken, UsernameTaken
from accounts.people.models import Account
from accounts.people.usernames import is_reserved, username_key
from accounts.shared.languages import canonical_language
from accounts.shared.statements import Insert, Select, parameter

NOBODY = ""
"""Stands for an address or username that is not looked up: no account has an empty one."""


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

    tells_address: ClassVar[bool] = True
    """Whether it says that another account has the address."""

    def validate_unique(self) -> None:
        """Refuse an address and a username that another account has: by one statement, where Django takes two."""
        asked = {"email", "username"} - self._get_validation_exclusions()  # type: ignore[attr-defined]
        if not self.tells_address:
            asked.discard("email")
        if not asked:
            return
        account = self.instance
        email = account.email if "email" in asked else NOBODY
        key = username_key(account.username) if "username" in asked else NOBODY
        found = _holders.rows(id=account.pk, email=email, username_key=key)
        taken = {
            "email": any(its_email == email for its_email, _its_key in found),
            "username": any(its_key == key for _its_email, its_key in found),
        }
        errors = {name: account.unique_error_message(Account, (name,)) for name, is_taken in taken.items() if is_taken}
        if errors:
            self._update_errors(ValidationError(errors))  # type: ignore[attr-defined]


class UntoldAddress(AccountForm):
    """Does not look up whether the address has an account, for registrations that must not tell (S61)."""

    tells_address = False


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
    # As `save` does, whose statement would need a savepoint.
    account.username = unicodedata.normalize("NFC", account.username)
    signal: dict[str, Any] = {
        "sender": Account,
        "instance": account,
        "raw": False,
        "using": router.db_for_write(Account),
    }
    pre_save.send(**signal, update_fields=None)
    if not _insert.store(account):
        # Another registration won the race after validation. Validating again finds the field that collides.
        rechecked = type(form)(form.data)
        if rechecked.is_valid():
            raise IntegrityError("An account that is gone by now had the address or the username.")
        raise ValidationFailed(failures(rechecked))
    post_save.send(**signal, created=True, update_fields=None)
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


_holders = Select(
    Account,
    lambda: Account.objects.filter(
        Q(email=parameter(Account, "email")) | Q(username_key=parameter(Account, "username_key")),
        ~Q(pk=parameter(Account, "id")),
    ).values_list("email", "username_key"),
    for_write=True,
)
_insert = Insert(Account, ignore_conflicts=True)

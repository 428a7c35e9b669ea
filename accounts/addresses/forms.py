"""Validation of a new address."""

from typing import ClassVar

from accounts.errors import AccountsError, InvalidInput, Required, ValidationFailed
from accounts.people.forms import AccountForm, failures


class AddressForm(AccountForm):
    """The address alone. Whether it is taken is for its mailbox to know."""

    class Meta(AccountForm.Meta):
        fields = ("email",)  # type: ignore[assignment]  # the stubs fix the length

    kinds: ClassVar[dict[tuple[str, str] | str, type[AccountsError]]] = {
        "required": Required,
        "max_length": InvalidInput,
    }

    def validate_unique(self) -> None:
        """Not here."""


def canonical_address(text: str, *, field: tuple[str, ...]) -> str:
    """The address as accounts store it. Raises ValidationFailed with failures of this field."""
    form = AddressForm({"email": text})
    if not form.is_valid():
        raise ValidationFailed(tuple(type(failure)(failure.message, field=field) for failure in failures(form)))
    email: str = form.instance.email
    return email

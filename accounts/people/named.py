"""An address that a stranger names."""

from django.core.exceptions import ValidationError

from accounts.errors import InvalidInput, Required
from accounts.people.models import Account
from accounts.shared.texts import canonical_email


def named_address(email: str, *, field: tuple[str, ...] = ("email",)) -> str:
    """The canonical form of an address, whether it has an account or not. Raises Required, InvalidInput."""
    address = canonical_email(email)
    if not address:
        raise Required(field=field)
    try:
        Account._meta.get_field("email").run_validators(address)  # noqa: SLF001 - public in practice
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field=field) from None
    return address

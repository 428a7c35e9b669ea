"""Types about e-mail addresses."""

import strawberry
import strawberry_django

from accounts.addresses import change
from accounts.people import models
from schema.language.described import described


@strawberry.type
class AddressFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def pending_email(root: models.Account) -> str | None:  # noqa: N805 - the source is a row
        """The address that waits for its confirmation by `confirmEmailChange`; `null` if none does."""
        return change.pending_email(root)

"""Types about passwords."""

from typing import Self

import strawberry
import strawberry_django

from accounts.conf import latchkey
from accounts.people import models
from schema.language.described import described


@described
@strawberry.type
class PasswordPolicy:
    """The rules for new passwords. There are no composition rules."""

    min_length: int = strawberry.field(description="Minimum number of characters.")
    max_bytes: int = strawberry.field(description="Maximum number of bytes in UTF-8.")
    min_strength: int | None = strawberry.field(
        description="Minimum strength on the zxcvbn scale of 0 to 4; `null` if strength is not estimated."
    )

    @classmethod
    def now(cls) -> Self:
        """The policy according to the settings."""
        own = latchkey()
        return cls(
            min_length=own.password_min_length,
            max_bytes=own.password_max_bytes,
            min_strength=own.password_min_strength or None,
        )


@strawberry.type
class PasswordFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def has_password(root: models.Account) -> bool:  # noqa: N805 - the source is a row
        """Whether a password is set. An account that was created through a provider has none at first."""
        return root.has_usable_password()

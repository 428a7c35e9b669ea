"""What this room adds to the type Account."""

import enum

import strawberry
import strawberry_django

from accounts.people import models
from accounts.reauthentication import proving
from schema.language.described import described


@described
@strawberry.enum
class ReauthenticationMethod(enum.Enum):
    """A way to prove again who one is."""

    PASSWORD = strawberry.enum_value("PASSWORD", description="The password.")
    EMAIL_CODE = strawberry.enum_value("EMAIL_CODE", description="A code that was mailed to the account's address.")
    SOCIAL = strawberry.enum_value("SOCIAL", description="A new ID token or code of a linked provider.")


@strawberry.type
class ReauthenticationFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def reauthentication_methods(root: models.Account) -> list[ReauthenticationMethod]:  # noqa: N805 - a row
        """The credentials of this account that `reauthenticate` accepts."""
        return [ReauthenticationMethod[method.name] for method in proving.methods_of(root)]

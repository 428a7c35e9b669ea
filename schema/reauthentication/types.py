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
    TOTP = strawberry.enum_value("TOTP", description="A code of the authenticator app, beside one of the others.")
    PASSKEY = strawberry.enum_value("PASSKEY", description="A passkey that verifies its user. It needs no other.")


@strawberry.type
class ReauthenticationFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def reauthentication_methods(root: models.Account) -> list[ReauthenticationMethod]:  # noqa: N805 - a row
        """The credentials of this account that `reauthenticate` accepts.

        With a second factor on, it takes TOTP, or a recovery code, and one of PASSWORD, EMAIL_CODE and SOCIAL.
        """
        return [ReauthenticationMethod[method.name] for method in proving.methods_of(root)]

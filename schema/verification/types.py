"""What front ends must know about registration."""

import enum

import strawberry

from schema.language.described import described


@described
@strawberry.enum
class EmailVerificationPolicy(enum.Enum):
    """What e-mail verification means."""

    NONE = strawberry.enum_value("none", description="New addresses are not confirmed: no mail is sent to them.")
    OPTIONAL = strawberry.enum_value("optional", description="A mail is sent; signing in does not wait for it.")
    MANDATORY = strawberry.enum_value("mandatory", description="Signing in waits for the confirmation.")

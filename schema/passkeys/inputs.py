"""Inputs about passkeys."""

import enum

import strawberry
from strawberry.scalars import JSON

from schema.language.described import described
from schema.mfa.inputs import PasskeyAssertionInput
from schema.tokens.inputs import SignInInput


@described
@strawberry.enum
class PasskeyPurpose(enum.Enum):
    """What a passkey's answer is for; it counts for nothing else."""

    SIGN_IN = strawberry.enum_value("SIGN_IN", description="To sign in with `tokenAuthWithPasskey`.")
    SECOND_FACTOR = strawberry.enum_value("SECOND_FACTOR", description="To answer an MfaChallenge.")
    REAUTHENTICATION = strawberry.enum_value(
        "REAUTHENTICATION", description="To reauthenticate; needs the Bearer token."
    )


@described
@strawberry.input
class CreatePasskeyRegistrationInput:
    """How a passkey is made."""

    automatic: bool | None = strawberry.field(
        default=False,
        description=(
            "Made by the browser after a sign-in without asking (conditional create, WebAuthn level 3): its user need"
            " neither be present nor verified."
        ),
    )
    challenge_token: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The token of an MfaEnrollmentChallenge, where a factor has to be set up before the tokens; omit it when"
            " signed in."
        ),
    )


@described
@strawberry.input
class AddPasskeyInput:
    """A new passkey."""

    challenge_token: str = strawberry.field(description="The token of the PasskeyCeremony.")
    response: JSON = strawberry.field(
        description="`PublicKeyCredential.toJSON()` of what `navigator.credentials.create` returned."
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "A name to know it by, of at most 64 characters; colons, slashes and invisible characters are left out. One"
            " is made up by default."
        ),
    )


@described
@strawberry.input
class RenamePasskeyInput:
    """A passkey and its new name."""

    id: strawberry.ID = strawberry.field(description="The id of the Passkey.")
    name: str = strawberry.field(description="Its new name, as in `AddPasskeyInput`.")


@described
@strawberry.input
class RemovePasskeyInput:
    """The passkey to remove."""

    id: strawberry.ID = strawberry.field(description="The id of the Passkey.")


@described
@strawberry.input
class CreatePasskeyAssertionInput:
    """What a passkey is asked for."""

    purpose: PasskeyPurpose | None = strawberry.field(
        default=PasskeyPurpose.SIGN_IN, description="What the answer is for."
    )
    challenge_token: str | None = strawberry.field(
        default=strawberry.UNSET, description="The token of an MfaChallenge; with SECOND_FACTOR."
    )
    client_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "With SIGN_IN: the OAuth client that will sign in, as in `tokenAuthWithPasskey`; defaults to the"
            " first-party client."
        ),
    )


@described
@strawberry.input
class TokenAuthWithPasskeyInput(SignInInput):
    """A passkey's answer."""

    passkey: PasskeyAssertionInput = strawberry.field(
        description="What a passkey answered to a ceremony of the purpose SIGN_IN, begun for the same client."
    )

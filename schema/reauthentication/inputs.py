"""Inputs of this room."""

import strawberry

from schema.language.described import described
from schema.mails.types import MailedCodeInput
from schema.mfa.inputs import PasskeyAssertionInput
from schema.social.inputs import ProviderCredentialInput


@described
@strawberry.input(one_of=True)
class ReauthenticationCredentialInput:
    """A credential of the signed-in account: exactly one of these."""

    password: strawberry.Maybe[str] = strawberry.field(description="The password.")
    email_code: strawberry.Maybe[MailedCodeInput] = strawberry.field(
        description="The code of `requestReauthenticationCode`, with the token of its MailedCode."
    )
    social: strawberry.Maybe[ProviderCredentialInput] = strawberry.field(
        description=(
            "A new ID token or code of a linked provider; an access token proves nothing new. A flow of"
            " `createSocialAuthUrl` must have been begun with the Bearer token."
        )
    )
    totp_code: strawberry.Maybe[str] = strawberry.field(
        description="A code of the authenticator app; works once. Half of a proof."
    )
    recovery_code: strawberry.Maybe[str] = strawberry.field(
        description="One of the recovery codes; works once. Half of a proof."
    )
    passkey: strawberry.Maybe[PasskeyAssertionInput] = strawberry.field(
        description=(
            "What a passkey answered to a ceremony of the purpose REAUTHENTICATION, begun with this session's Bearer"
            " token. It counts as both factors."
        )
    )


@described
@strawberry.input
class ReauthenticateInput:
    """The proof of who one is."""

    credential: ReauthenticationCredentialInput = strawberry.field(description="The credential.")

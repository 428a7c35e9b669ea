"""Outcomes of the mutations of this room."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.language.described import described
from schema.language.payload import Payload
from schema.social.types import SocialAccount

if TYPE_CHECKING:
    from schema.account import Account


@described
@strawberry.type
class SocialAuthorization:
    """A prepared redirect to a provider."""

    url: str = strawberry.field(description="The URL to send the browser to.")
    flow: str = strawberry.field(
        description="Keep it in `sessionStorage` and send it back with the code. Opaque; works once."
    )
    expires_in: int = strawberry.field(description="Seconds until it expires.")


@described
@strawberry.type
class CreateSocialAuthUrlPayload(Payload):
    """The outcome of `createSocialAuthUrl`."""

    authorization: SocialAuthorization | None = strawberry.field(
        default=None, description="The redirect; `null` on failure."
    )


@described
@strawberry.type
class SocialNonce:
    """A nonce for one sign-in."""

    value: str = strawberry.field(
        description=(
            "Pass it to the SDK, as its hex SHA-256 if the SDK wants that (Apple); send the value itself to"
            " `convertSocialToken`."
        )
    )
    expires_in: int = strawberry.field(description="Seconds until it expires.")


@described
@strawberry.type
class CreateSocialNoncePayload(Payload):
    """The outcome of `createSocialNonce`."""

    nonce: SocialNonce | None = strawberry.field(default=None, description="The nonce; `null` on failure.")


@described
@strawberry.type
class LinkSocialAccountPayload(Payload):
    """The outcome of `linkSocialAccount`."""

    social_account: SocialAccount | None = strawberry.field(
        default=None, description="The linked social account; `null` on failure."
    )
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account, with its updated `socialAccounts`; `null` on failure."
    )


@described
@strawberry.type
class UnlinkSocialAccountPayload(Payload):
    """The outcome of `unlinkSocialAccount`."""

    deleted_social_account_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the unlinked social account; `null` on failure."
    )
    account: Annotated["Account", strawberry.lazy("schema.account")] | None = strawberry.field(
        default=None, description="The account, with its updated `socialAccounts`; `null` on failure."
    )

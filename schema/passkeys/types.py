"""Types about passkeys."""

import uuid
from datetime import datetime
from typing import Self

import strawberry
import strawberry_django
from strawberry import relay
from strawberry.scalars import JSON

from accounts.factors import models as factors
from accounts.factors import webauthn
from accounts.factors.passkeys import passkeys_of
from accounts.people import models
from schema.language.described import described
from schema.request.context import ApiInfo


@described
@strawberry.type
class PasskeyCeremony:
    """Options for WebAuthn, and the token to send back with the answer."""

    token: str = strawberry.field(description="Send it back as `challengeToken`. Works once.")
    expires_in: int = strawberry.field(description="Seconds until it expires.")
    options: JSON = strawberry.field(
        description=(
            "For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`, and for the"
            " credential managers of phones."
        )
    )

    @classmethod
    def of(cls, ceremony: webauthn.Ceremony) -> Self:
        """Map the domain's answer."""
        return cls(token=ceremony.token, expires_in=ceremony.expires_in, options=ceremony.options)  # type: ignore[arg-type]


@described
@strawberry.type
class Passkey(relay.Node):
    """A passkey or security key of the account."""

    pk: relay.NodeID[uuid.UUID]
    credential_id: str = strawberry.field(
        description="The credential id in base64url, for `PublicKeyCredential.signalAllAcceptedCredentials`."
    )
    name: str = strawberry.field(description="The name its owner gave it.")
    is_synced: bool = strawberry.field(description="Whether its owner's other devices have it too.")
    can_sign_in: bool = strawberry.field(
        description="Whether it signs in by itself; otherwise it is a second factor only."
    )
    created_at: datetime = strawberry.field(description="When it was added.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used; `null` if never.")

    @classmethod
    def of(cls, row: factors.Passkey) -> Self:
        """Map the row."""
        return cls(
            pk=row.pk,
            credential_id=row.credential_id,
            name=row.name,
            is_synced=row.backed_up,
            can_sign_in=row.can_sign_in,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
        )

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, Self]:
        """The viewer's own, of these keys."""
        viewer = info.context.viewer
        found = passkeys_of(viewer).filter(pk__in=keys) if viewer else ()
        return {row.pk: cls.of(row) for row in found}


@described
@strawberry.type
class PasskeyUser:
    """An account as authenticators know it."""

    rp_id: str = strawberry.field(description="The relying party id, a domain; empty where passkeys are switched off.")
    user_handle: str = strawberry.field(description="The user handle in base64url.")


@strawberry.type
class PasskeyFields:
    """What this room adds to the type Account."""

    @described
    @strawberry_django.field
    def passkeys(root: models.Account) -> list[Passkey]:  # noqa: N805 - the source is a row
        """Passkeys, oldest first."""
        return [Passkey.of(row) for row in passkeys_of(root)]

    @described
    @strawberry_django.field
    def passkey_user(root: models.Account) -> PasskeyUser:  # noqa: N805
        """How authenticators know this account, for the `signal…` methods of `PublicKeyCredential`."""
        return PasskeyUser(rp_id=webauthn.rp_id(), user_handle=webauthn.user_handle_of(root))

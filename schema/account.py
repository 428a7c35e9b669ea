"""The type Account, composed of the fields of the rooms."""

import copy
import uuid

import strawberry
import strawberry_django
from strawberry import relay

from accounts.people import models
from schema.addresses.types import AddressFields
from schema.guard.types import SecurityEventFields
from schema.language.described import described
from schema.mfa.types import MfaFields
from schema.passkeys.types import PasskeyFields
from schema.passwords.types import PasswordFields
from schema.people.types import AccountFields
from schema.reauthentication.types import ReauthenticationFields
from schema.request.context import ApiInfo
from schema.social.types import SocialAccountFields
from schema.tokens.sessions import SessionFields


@described
@strawberry_django.type(models.Account, name="Account")
class Account(
    relay.Node,
    AccountFields,
    AddressFields,
    PasswordFields,
    SocialAccountFields,
    SessionFields,
    SecurityEventFields,
    ReauthenticationFields,
    MfaFields,
    PasskeyFields,
):
    """The viewer's own, private account. Others see its `publicProfile`."""

    pk: relay.NodeID[uuid.UUID]

    @classmethod
    def visible(cls, keys: list[uuid.UUID], info: ApiInfo) -> dict[uuid.UUID, models.Account]:
        """The viewer, if its key is among these."""
        viewer = info.context.viewer
        return {viewer.pk: strawberry.cast(cls, copy.copy(viewer))} if viewer and viewer.pk in keys else {}

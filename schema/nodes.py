"""Objects by their global id (Relay)."""

from typing import Annotated

import strawberry
from strawberry import relay

from accounts.people import models
from schema.account import Account
from schema.guard.types import SecurityEvent
from schema.language.described import described
from schema.language.nodes import type_and_key
from schema.language.pagination import LARGEST_PAGE, BadPage
from schema.passkeys.types import Passkey
from schema.people.types import User
from schema.request.context import ApiInfo
from schema.social.types import SocialAccount
from schema.tokens.sessions import Session

NODES: dict[str, type[Account | Passkey | SecurityEvent | Session | SocialAccount | User]] = {
    "Account": Account,
    "Passkey": Passkey,
    "SecurityEvent": SecurityEvent,
    "Session": Session,
    "SocialAccount": SocialAccount,
    "User": User,
}
"""The types that `node` returns; `visible` of each decides what the viewer may see."""


def _resolve(
    ids: list[strawberry.ID], info: ApiInfo
) -> list[models.Account | Passkey | SecurityEvent | Session | SocialAccount | User | None]:
    """The objects in the requested order; None for an unknown, malformed or hidden one alike (S65)."""
    wanted = [type_and_key(id_) for id_ in ids]
    found = {
        name: type_.visible([key for wanted_name, key in wanted if wanted_name == name and key], info)
        for name, type_ in NODES.items()
        if any(wanted_name == name for wanted_name, _ in wanted)
    }
    return [found[name].get(key) if name in found and key else None for name, key in wanted]


@strawberry.type
class NodeQueries:
    """`node` and `nodes`."""

    @described
    @strawberry.field
    def node(
        self,
        info: ApiInfo,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id, as returned by an `id` field.")],
    ) -> relay.Node | None:
        """Any object by its id; `null` both for an unknown id and for an object that the viewer may not see."""
        return _resolve([id], info)[0]  # type: ignore[return-value]  # a row stands for its type

    @described
    @strawberry.field
    def nodes(
        self,
        info: ApiInfo,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The ids, as returned by `id` fields.")],
    ) -> list[relay.Node | None]:
        """Up to 100 objects by their ids, in the requested order; `null` where `node` returns `null`."""
        if len(ids) > LARGEST_PAGE:
            raise BadPage(f"At most {LARGEST_PAGE} ids.")
        return _resolve(ids, info)  # type: ignore[return-value]  # rows stand for their types

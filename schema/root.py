"""The schema: one per process."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.errors import LinkChallenge, ProfileChallenge
from schema.extensions import Gate
from schema.mutations.sign_in import SignInMutations
from schema.mutations.social import SocialMutations
from schema.queries import Query
from schema.types import SCALARS


@strawberry.type(
    description=(
        "Everything that can be changed. Send one mutation per operation: at most one field that takes a credential is"
        " accepted in an operation.\n"
        "Expected failures come back in `errors` with HTTP 200. Top-level errors (UNAUTHENTICATED, FORBIDDEN,"
        " BAD_USER_INPUT, INTERNAL_SERVER_ERROR) mean that nothing was done."
    )
)
class Mutation(SignInMutations, SocialMutations):
    """The roots of changing."""


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=[LinkChallenge, ProfileChallenge],
    extensions=[Gate],
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
)

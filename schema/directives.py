"""Marks that a root field carries where it is declared, so that a review of the schema sees them."""

import strawberry
from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="Runs signed out: the Authorization header is not looked at, so a stale token cannot make it fail.",
)
class Anonymous:
    """See the description."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="Takes a credential, sends mail or asks a provider: at most one such field an operation.",
)
class Credential:
    """See the description."""


def declares(field: GraphQLField | None, directive: type) -> bool:
    """Whether the field carries the directive; False for a field that does not exist (another rule reports it)."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if field else None
    return definition is not None and any(isinstance(d, directive) for d in definition.directives)

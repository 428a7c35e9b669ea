"""Directives that mark root fields where they are declared."""

import strawberry
from graphql import GraphQLField, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location

from schema.language.described import described


@described
@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION])
class Anonymous:
    """Runs signed out: the Authorization header is ignored, so that a stale token cannot make it fail."""


@described
@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION])
class Credential:
    """Takes a credential, sends mail or asks a provider: at most one such field per operation."""


def declares(field: GraphQLField | None, directive: type) -> bool:
    """Whether the field carries the directive; False for a field that does not exist (another rule reports it).

    Raises KeyError or AttributeError where Strawberry has not kept its definition: an unread mark must not look like
    none.
    """
    if field is None:
        return False
    definition = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return any(isinstance(mark, directive) for mark in definition.directives)


def check_marks(schema: GraphQLSchema) -> None:
    """Raise RuntimeError unless marks can be read. Some mutation carries each, so none found means all unread."""
    fields = schema.mutation_type.fields.values() if schema.mutation_type else ()
    for directive in (Anonymous, Credential):
        if not any(declares(field, directive) for field in fields):
            raise RuntimeError(f"No mutation is marked {directive.__name__}: Strawberry keeps directives elsewhere.")

"""One operation for each root field of the schema, with inputs that get as far as the database."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLInputType,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from schema.language.directives import Anonymous, declares
from schema.root import schema
from tests.api import PASSWORD

VALUES: dict[str, Any] = {
    "email": "eve@example.com",
    "firstName": "Eve",
    "id": "QWNjb3VudDpkNGMwZmZlZS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDA=",
    "newPassword": f"{PASSWORD}!",
    "password": PASSWORD,
    "provider": "google",
    "redirectUri": "https://www.example.com/callback",
    "username": "eve",
}
"""By the name of the field. Others are tokens that nobody has."""
UNKNOWN_TOKEN = "A" * 43


@dataclass(frozen=True)
class Operation:
    """An operation of one root field."""

    name: str
    query: str
    variables: dict[str, Any]
    anonymous: bool


def operations() -> Iterator[Operation]:
    """One for each root field."""
    whole = schema._schema
    for kind, root in (("query", whole.query_type), ("mutation", whole.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            used = {
                argument: declared.type
                for argument, declared in field.args.items()
                if is_non_null_type(declared.type) or argument == "input"
            }
            declarations = ", ".join(f"${argument}: {type_}" for argument, type_ in used.items())
            arguments = ", ".join(f"{argument}: ${argument}" for argument in used)
            called = f"{name}({arguments})" if used else name
            selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
            yield Operation(
                name,
                f"{kind}{declarations and f' ({declarations})'} {{ {called}{selection} }}",
                {argument: _value(type_, argument) for argument, type_ in used.items()},
                declares(field, Anonymous),
            )


def _value(type_: GraphQLInputType, name: str) -> Any:
    if is_non_null_type(type_):
        return _value(type_.of_type, name)
    if is_list_type(type_):
        return [_value(type_.of_type, name.removesuffix("s"))]
    if is_input_object_type(type_):
        fields = dict(list(type_.fields.items())[:1] if type_.is_one_of else type_.fields.items())
        return {
            field: _value(declared.type, field)
            for field, declared in fields.items()
            if type_.is_one_of or is_non_null_type(declared.type) or field in VALUES or field.endswith("oken")
        }
    if is_enum_type(type_):
        return next(iter(type_.values))
    return VALUES.get(name, 1 if str(type_) == "Int" else UNKNOWN_TOKEN)

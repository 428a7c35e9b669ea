"""Resolvers without Strawberry's wrapping, for the fields that need none of it.

Strawberry calls each resolver through six functions, which convert arguments and apply extensions. Most fields have
neither: they are attributes, or functions of their object.
"""

import inspect
from collections.abc import Callable
from typing import Any

from graphql import GraphQLSchema, is_object_type
from strawberry import Info, relay
from strawberry.schema.schema_converter import GraphQLCoreConverter

Resolver = Callable[[Any, Any], Any]


def unwrap(schema: GraphQLSchema) -> None:
    """Replace Strawberry's resolvers of fields without arguments and extensions."""
    for type_ in schema.type_map.values():
        if not is_object_type(type_):
            continue
        for name, field in type_.fields.items():
            definition: Any = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if definition is not None and not field.args and not definition.extensions:
                field.resolve = (
                    _global_id(type_) if _is_global_id(type_, name) else _direct(definition) or field.resolve
                )


def _is_global_id(type_: Any, field: str) -> bool:
    origin = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].origin
    return field == "id" and issubclass(origin, relay.Node) and origin.resolve_id_attr() == "pk"


def _global_id(type_: Any) -> Resolver:
    """Of the Relay node in each row, as `relay.Node` makes it."""
    name: str = type_.name
    return lambda source, _info: relay.to_base64(name, source.pk)


def _direct(definition: Any) -> Resolver | None:
    """What the field is declared with; None if only Strawberry can call it."""
    if definition.base_resolver is None:
        # A relation of strawberry-django is read with its query set.
        return None if getattr(definition, "is_relation", False) else _attribute(definition)
    function = definition.base_resolver.wrapped_func
    match list(inspect.signature(function).parameters):
        case ["self" | "root"]:
            return lambda source, _info: function(source)
        case ["self" | "root", "info"]:
            return lambda source, info: function(source, Info(_raw_info=info, _field=definition))
    return None


def _attribute(definition: Any) -> Resolver:
    name: str = getattr(definition, "django_name", None) or definition.python_name
    return lambda source, _info: getattr(source, name)

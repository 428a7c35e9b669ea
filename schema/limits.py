"""What an operation may weigh, told before anything runs and in time linear in the document (S41).

Strawberry's own limiters walk a fragment anew at each spread: 764 characters keep them busy for 19 s. Here every
syntax node is visited once; what a fragment weighs is remembered, and added where it is spread.
"""

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    get_named_type,
)

from accounts.conf import Limits
from schema.pagination import DEFAULT_PAGE, LARGEST_PAGE

ENOUGH = 10**9
"""Beyond every limit: weights stop growing here, else 60 doubling fragments would weigh 2^60."""


@dataclass(frozen=True)
class Weight:
    """Of a selection with its fragments written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    cost: int = 0

    def beside(self, other: "Weight") -> "Weight":
        """Both in one selection."""
        return Weight(
            max(self.depth, other.depth),
            min(self.fields + other.fields, ENOUGH),
            min(self.aliases + other.aliases, ENOUGH),
            min(self.cost + other.cost, ENOUGH),
        )


NOTHING = Weight()


class Scale:
    """Weighs one document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.weights: dict[str, Weight] = {}
        self.directives = 0
        self.visited = 0

    def operation(self, node: OperationDefinitionNode) -> Weight:
        """Of an operation."""
        self._count(node)
        for variable in node.variable_definitions or ():
            self._count(variable)
        return self._selection(node.selection_set, self.schema.get_root_type(node.operation))

    def fragment(self, name: str) -> Weight:
        """Of a fragment; nothing for an unknown one, and in a cycle the second time: other rules report them."""
        if name not in self.weights and (definition := self.fragments.get(name)):
            self.weights[name] = NOTHING
            self._count(definition)
            on = self.schema.get_type(definition.type_condition.name.value)
            self.weights[name] = self._selection(definition.selection_set, on)
        return self.weights.get(name, NOTHING)

    def _selection(self, selection: SelectionSetNode, on: GraphQLNamedType | None) -> Weight:
        total = NOTHING
        for node in selection.selections:
            self._count(node)
            if isinstance(node, FieldNode):
                weight = self._field(node, on)
            elif isinstance(node, FragmentSpreadNode):
                weight = self.fragment(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = self.schema.get_type(condition.name.value) if condition else on
                weight = self._selection(node.selection_set, inner)
            total = total.beside(weight)
        return total

    def _field(self, node: FieldNode, on: GraphQLNamedType | None) -> Weight:
        field = _definition(self.schema, node, on)
        inner = NOTHING
        if node.selection_set:
            inner = self._selection(node.selection_set, get_named_type(field.type) if field else None)
        return Weight(
            depth=inner.depth + 1,
            fields=min(inner.fields + 1, ENOUGH),
            aliases=min(inner.aliases + (node.alias is not None), ENOUGH),
            cost=min(1 + inner.cost * _rows(node, field), ENOUGH),
        )

    def _count(self, node: Any) -> None:
        self.visited += 1
        self.directives += len(node.directives or ())


def _definition(schema: GraphQLSchema, node: FieldNode, on: GraphQLNamedType | None) -> GraphQLField | None:
    """The field as the schema has it; None for one that does not exist (another rule reports it)."""
    if isinstance(on, GraphQLObjectType | GraphQLInterfaceType):
        return schema.get_field(on, node.name.value)
    return None


def _rows(node: FieldNode, field: GraphQLField | None) -> int:
    """How many times what is selected below a field can come: the size of the page, at worst where a variable says."""
    if field is None or not {"first", "ids"} & field.args.keys():
        return 1
    sizes = [
        _size(argument.value) for argument in node.arguments or () if argument.name.value in {"first", "last", "ids"}
    ]
    return min(max(sizes, default=DEFAULT_PAGE), LARGEST_PAGE)


def _size(value: ValueNode) -> int:
    if isinstance(value, ListValueNode):
        return len(value.values)
    if isinstance(value, IntValueNode) and len(value.value) <= len(str(LARGEST_PAGE)):
        return int(value.value)
    return LARGEST_PAGE


def over_limit(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """One error for each limit that an operation of the document exceeds."""
    scale = Scale(schema, document)
    total = NOTHING
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            total = total.beside(scale.operation(definition))
        elif isinstance(definition, FragmentDefinitionNode):
            scale.fragment(definition.name.value)
    found = {
        "depth": total.depth,
        "fields": total.fields,
        "aliases": total.aliases,
        "directives": scale.directives,
        "cost": total.cost,
    }
    return [exceeded(name, getattr(limits, name)) for name, weight in found.items() if weight > getattr(limits, name)]


def exceeded(limit: str, maximum: int) -> GraphQLError:
    """Names the limit, so that a client's author knows what to change."""
    return GraphQLError(
        f"The operation exceeds the limit of {limit}: {maximum}.",
        extensions={"code": "BAD_USER_INPUT", "limit": limit, "maximum": maximum},
    )

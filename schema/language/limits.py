"""The limits of an operation, checked before anything runs, in time linear in the document (S41).

Strawberry's own limiters walk a fragment again at each spread: 764 characters keep them busy for 19 s. Here every
syntax node is visited once: the weight of a fragment is computed once and added at each spread.

The limits come before graphql-core's validation, because some of its rules take more than linear time (S80): one
compares all fields of the same name in one place pairwise, and messages print the whole literal.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import (
    DefinitionNode,
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
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    get_introspection_query,
    get_named_type,
    is_introspection_type,
    parse,
    validate,
)
from graphql.validation import NoFragmentCyclesRule

from accounts.conf import Limits
from schema.language.pagination import DEFAULT_PAGE, LARGEST_PAGE
from schema.request.refusals import Refusal

CEILING = 10**9
"""Weights stop growing here, above every limit: otherwise 60 doubling fragments would weigh 2^60."""


@dataclass(frozen=True)
class Weight:
    """The weight of a selection, with its fragments inlined."""

    depth: int = 0
    fields: int = 0
    """Includes spreads and inline fragments, which cost as much to validate."""
    aliases: int = 0
    cost: int = 0
    introspection: int = 0
    """The cost of the selected parts of the schema."""

    def beside(self, other: "Weight") -> "Weight":
        """The weight of both in one selection."""
        return Weight(
            max(self.depth, other.depth),
            min(self.fields + other.fields, CEILING),
            min(self.aliases + other.aliases, CEILING),
            min(self.cost + other.cost, CEILING),
            min(self.introspection + other.introspection, CEILING),
        )


INTROSPECTED = 8
"""The approximate number of types, fields or arguments in each list of an introspection."""
NOTHING = Weight()
ONE_MORE = Weight(fields=1)


class Scale:
    """Weighs one document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.weights: dict[str, Weight] = {}
        self.open: set[str] = set()
        self.cyclic = False
        self.directives = 0
        self.values = 0
        self.visited = 0

    def definitions(self, nodes: Iterable[DefinitionNode]) -> Iterator[tuple[SelectionSetNode, Weight]]:
        """The operations, and the fragments that no operation spreads: validation walks those too, to refuse them."""
        later = []
        for node in nodes:
            if isinstance(node, OperationDefinitionNode):
                yield node.selection_set, self.operation(node)
            elif isinstance(node, FragmentDefinitionNode):
                later.append(node)
        for node in later:
            name = node.name.value
            if self.fragments[name] is not node:
                yield node.selection_set, self._fragment(node)
            elif name not in self.weights:
                yield node.selection_set, self.fragment(name)

    def operation(self, node: OperationDefinitionNode) -> Weight:
        """The weight of an operation."""
        self._count(node)
        for variable in node.variable_definitions or ():
            self._count(variable)
            self._count_values(variable.default_value)
        return self._selection(node.selection_set, self.schema.get_root_type(node.operation))

    def fragment(self, name: str) -> Weight:
        """The weight of a fragment; zero for unknown fragments and cycles, which other rules report."""
        self.cyclic |= name in self.open
        if name not in self.weights and (definition := self.fragments.get(name)):
            self.weights[name] = NOTHING
            self.open.add(name)
            self.weights[name] = self._fragment(definition)
            self.open.remove(name)
        return self.weights.get(name, NOTHING)

    def repeats(self, selections: Iterable[SelectionSetNode]) -> int:
        """The number of pairs of fields with one name, and of fragments, in the same place: validation compares them.

        Only for documents without cycles and within the limit of fields, since it inlines every fragment.
        """
        places = defaultdict(list)
        pending = list(selections)
        spreads = 0
        while pending:
            for node in pending.pop().selections:
                if isinstance(node, FieldNode):
                    places[(node.alias or node.name).value].append(node.selection_set)
                elif isinstance(node, InlineFragmentNode):
                    pending.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and (definition := self.fragments.get(node.name.value)):
                    spreads += 1
                    pending.append(definition.selection_set)
        fields = sum(_pairs(len(place)) + self.repeats(filter(None, place)) for place in places.values())
        return _pairs(spreads) + fields

    def _fragment(self, definition: FragmentDefinitionNode) -> Weight:
        self._count(definition)
        return self._selection(definition.selection_set, self.schema.get_type(definition.type_condition.name.value))

    def _selection(self, selection: SelectionSetNode, on: GraphQLNamedType | None) -> Weight:
        total = NOTHING
        for node in selection.selections:
            self._count(node)
            if isinstance(node, FieldNode):
                weight = self._field(node, on)
            elif isinstance(node, FragmentSpreadNode):
                weight = ONE_MORE.beside(self.fragment(node.name.value))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = self.schema.get_type(condition.name.value) if condition else on
                weight = ONE_MORE.beside(self._selection(node.selection_set, inner))
            total = total.beside(weight)
        return total

    def _field(self, node: FieldNode, on: GraphQLNamedType | None) -> Weight:
        field = _definition(self.schema, node, on)
        for argument in node.arguments or ():
            self._count_values(argument.value)
        inner = NOTHING
        if node.selection_set:
            inner = self._selection(node.selection_set, get_named_type(field.type) if field else None)
        cost = min(1 + inner.cost * _rows(node, field, on), CEILING)
        of_schema = node.name.value in {"__schema", "__type"}
        return Weight(
            depth=inner.depth + 1,
            fields=min(inner.fields + 1, CEILING),
            aliases=min(inner.aliases + (node.alias is not None), CEILING),
            cost=1 if of_schema else cost,
            introspection=cost if of_schema else inner.introspection,
        )

    def _count(self, node: Any) -> None:
        self.visited += 1
        for directive in node.directives or ():
            self.directives += 1
            for argument in directive.arguments or ():
                self._count_values(argument.value)

    def _count_values(self, value: ValueNode | None) -> None:
        pending = [value] if value else []
        while pending:
            self.values += 1
            match pending.pop():
                case ListValueNode(values=values):
                    pending += values
                case ObjectValueNode(fields=fields):
                    pending += [field.value for field in fields]


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _definition(schema: GraphQLSchema, node: FieldNode, on: GraphQLNamedType | None) -> GraphQLField | None:
    """The schema's field; None if it does not exist, which another rule reports."""
    if isinstance(on, GraphQLObjectType | GraphQLInterfaceType):
        return schema.get_field(on, node.name.value)
    return None


def _rows(node: FieldNode, field: GraphQLField | None, on: GraphQLNamedType | None) -> int:
    """How often the selection of a field can be repeated: the page size, or the largest one if it is a variable."""
    if field and on and is_introspection_type(on):
        return INTROSPECTED if "[" in str(field.type) else 1
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
    """One error for each exceeded limit, or the error about a fragment that spreads itself."""
    scale = Scale(schema, document)
    total = NOTHING
    roots = []
    for selection, weight in scale.definitions(document.definitions):
        total = total.beside(weight)
        roots.append(selection)
    found = {
        "depth": total.depth,
        "fields": total.fields,
        "aliases": total.aliases,
        "directives": scale.directives,
        "values": scale.values,
        "cost": total.cost,
    }
    over = [name for name, weight in found.items() if weight > getattr(limits, name)]
    if not over and scale.cyclic:
        # The second error would only say that there are more.
        return validate(schema, document, (NoFragmentCyclesRule,), max_errors=1)[:1]
    if not over and sum(scale.repeats([root]) for root in roots) > limits.repeats:
        over = ["repeats"]
    if not over and total.introspection > (most := _introspection(schema)):
        return [exceeded("introspection", most)]
    return [exceeded(name, getattr(limits, name)) for name in over]


@cache
def _introspection(schema: GraphQLSchema) -> int:
    """The cost of the introspection query of tools: no operation needs more."""
    document = parse(
        get_introspection_query(
            specified_by_url=True,
            schema_description=True,
            directive_is_repeatable=True,
            input_value_deprecation=True,
            one_of=True,
        )
    )
    return sum(weight.introspection for _root, weight in Scale(schema, document).definitions(document.definitions))


def check_variables(variables: Mapping[str, Any] | None, limits: Limits) -> None:
    """Raise Refusal for more values than a document may hold: coercing them costs as much."""
    found = 0
    pending: list[Any] = [variables]
    while pending:
        value = pending.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found += len(inner)
        if found > limits.values:
            raise exceeded("values", limits.values)
        pending += inner


def exceeded(limit: str, maximum: int) -> Refusal:
    """The error that names the limit, so that the client's author knows what to change."""
    message = f"The operation exceeds the limit of {limit}: {maximum}."
    return Refusal(message, code="BAD_USER_INPUT", limit=limit, maximum=maximum)

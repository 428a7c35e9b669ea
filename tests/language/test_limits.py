"""What an operation may weigh: the verdict, against naive expansion, and what reaching it costs."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_introspection_query,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from accounts.conf import Limits
from accounts.people.models import Account
from schema.language.limits import NOTHING, Scale, Weight, over_limit
from schema.root import schema
from tests.api import REGISTER

SCHEMA = schema._schema


def scale_of(text: str) -> tuple[Scale, Weight]:
    """The scale after it has weighed a document of one operation, and the weight."""
    document = parse(text)
    scale = Scale(SCHEMA, document)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    return scale, scale.operation(operation)


@dataclass
class Naive:
    """Weighs by writing every fragment out, as a server would run it. Exponential, so for small documents only."""

    document: DocumentNode

    def weigh(self, selection: SelectionSetNode) -> Weight:
        """Of fields whose lists hold one row."""
        total = NOTHING
        for node in selection.selections:
            if isinstance(node, FieldNode):
                inner = self.weigh(node.selection_set) if node.selection_set else NOTHING
                weight = Weight(inner.depth + 1, inner.fields + 1, inner.aliases + bool(node.alias), inner.cost + 1)
            elif isinstance(node, FragmentSpreadNode):
                total = total.beside(Weight(fields=1))
                definitions = self.document.definitions
                weight = self.weigh(
                    next(
                        d.selection_set
                        for d in definitions
                        if isinstance(d, FragmentDefinitionNode) and d.name.value == node.name.value
                    )
                )
            else:
                weight = Weight(fields=1).beside(self.weigh(node.selection_set))
            total = total.beside(weight)
        return total

    def places(self, selection: SelectionSetNode, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        """The place of each field, and of each spread."""
        fragments = {d.name.value: d for d in self.document.definitions if isinstance(d, FragmentDefinitionNode)}
        for node in selection.selections:
            if isinstance(node, FieldNode):
                here = (*path, (node.alias or node.name).value)
                yield here
                if node.selection_set:
                    yield from self.places(node.selection_set, here)
            elif isinstance(node, FragmentSpreadNode):
                yield (*path, "...")
                yield from self.places(fragments[node.name.value].selection_set, path)
            else:
                yield from self.places(node.selection_set, path)


def selections(spreads: list[str]) -> st.SearchStrategy[str]:
    """Selections of `me` and what is below it, with aliases, inline fragments and the given spreads."""
    leaves = st.sampled_from(["me { id }", "a: me { email }", "__typename", *[f"...{name}" for name in spreads]])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: "... on Query { " + " ".join(parts) + " }"
        ),
        max_leaves=6,
    )


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A query and up to four fragments, each of which may spread the later ones."""
    names = [f"f{number}" for number in range(draw(st.integers(0, 4)))]
    text = "query { " + " ".join(draw(st.lists(selections(names), min_size=1, max_size=4))) + " }"
    for position, name in enumerate(names):
        body = " ".join(draw(st.lists(selections(names[position + 1 :]), min_size=1, max_size=3)))
        text += f" fragment {name} on Query {{ {body} }}"
    return text


@given(documents())
def test_the_verdict_is_that_of_naive_expansion(text):
    """S41."""
    document = parse(text)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))

    assert Scale(SCHEMA, document).operation(operation) == Naive(document).weigh(operation.selection_set)


DOUBLING = (
    "query { ...f0 }"
    + "".join(f" fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))
    + " fragment f60 on Query { me { id } }"
)


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        (DOUBLING, 1 + 1 + 61 + 2 * 60 + 2),
        ("{" + " ".join(f"a{n}: __typename" for n in range(20_000)) + "}", 1 + 20_000),
        ("{ __typename " + "@skip(if: false) " * 5_000 + "}", 1 + 1),
        ("{ ...a } fragment a on Query { ...b ...b } fragment b on Query { ...a ...a }", 1 + 1 + 2 + 4),
    ],
    ids=["60 doubling fragments", "20,000 aliases", "5,000 directives", "a cycle"],
)
def test_each_node_is_visited_once(text, nodes):
    """S41: the work is linear in the document, whatever its fragments multiply to."""
    scale, _ = scale_of(text)

    assert scale.visited <= nodes


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("depth", "{ me { publicProfile { id } } }"),
        ("fields", "{ a: me { id } ...f ...f } fragment f on Query { me { id email } }"),
        ("aliases", "{ a: __typename b: __typename }"),
        ("directives", "{ __typename @skip(if: false) @include(if: true) }"),
        ("repeats", "{ me { id } me { id } }"),
        ("repeats", "{ me { id } ... { ...f } } fragment f on Query { me { email } me { email } }"),
        ("fields", "{ me { id ... { id } ... { id } } }"),
        ("fields", "{ me { id } } fragment f on Query { me { id email } } fragment g on Query { ...f }"),
        ("fields", "{ ...f } fragment f on Query { __typename } fragment f on Query { me { id email username } }"),
        ("values", '{ nodes(ids: ["a", "b", "c"]) { id } }'),
        ("values", 'query ($a: [ID!] = ["a", "b", "c"]) { nodes(ids: $a) { id } }'),
        ("values", "{ me @skip(if: [[[true]]]) { id } }"),
        ("values", "{ me { id } } fragment f on Query { users(first: 1, last: 2, after: {a: 1}) { nodes { id } } }"),
        ("tokens", "{ me { id email username firstName lastName } }"),
        ("cost", "{ users(first: 10) { nodes { id } } }"),
        ("query_bytes", "{ me { id email username firstName lastName dateJoined } }"),
    ],
)
def test_what_is_over_a_limit_is_refused_by_its_name(graphql, settings, limit, text):
    """BAD_USER_INPUT, with the limit and its value, and a configured cap is the one that counts."""
    caps = {
        "depth": 2,
        "fields": 4,
        "aliases": 1,
        "directives": 1,
        "repeats": 1,
        "values": 3,
        "tokens": 9,
        "cost": 20,
        "query_bytes": 40,
    }
    limits = dataclasses.replace(Limits(), **{limit: caps[limit]})
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, limits=limits)

    answer = graphql(text)

    assert answer.status == 400
    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.body["errors"][0]["extensions"]["limit"] == limit.replace("_", " ")
    assert answer.body["errors"][0]["extensions"]["maximum"] == caps[limit]


@pytest.mark.parametrize("value", [[1, 2, 3, 4], {"a": {"b": [1, 2]}}, [[[[]]]], {"a": 1, "b": 2, "c": [{}]}], ids=str)
def test_variables_hold_no_more_values_than_a_document(graphql, settings, value):
    """S80: each is coerced, and wrong ones have a message each."""
    limits = dataclasses.replace(Limits(), values=3)
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, limits=limits)

    answer = graphql("{ __typename }", unused=value)

    assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"])
    assert answer.body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "limit": "values", "maximum": 3}


@pytest.mark.parametrize(
    "text",
    [
        "{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }",
        "{ __typename } fragment f on Query { ...f }",
        "{ ...f } fragment f on Query { me { id } ... { ...f ...f } }",
    ],
)
def test_a_fragment_that_spreads_itself_is_told_alone(graphql, text):
    """Nothing walks it any further."""
    answer = graphql(text)

    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert "Cannot spread fragment" in answer.body["errors"][0]["message"]


@given(documents())
def test_repeats_are_the_pairs_of_one_name_in_one_place(text):
    """Against comparing all with all."""
    document = parse(text)
    scale = Scale(SCHEMA, document)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    places = Counter(Naive(document).places(operation.selection_set))

    assert scale.repeats([operation.selection_set]) == sum(n * (n - 1) // 2 for n in places.values())


def test_nothing_runs_of_an_operation_that_is_over_a_limit(graphql, settings):
    """No account is made."""
    limits = dataclasses.replace(Limits(), depth=1)
    settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, limits=limits)
    fields = {
        "email": "a@example.com",
        "username": "a",
        "firstName": "A",
        "password": "correct horse battery",
    }

    assert graphql(REGISTER, input=fields).codes == ["BAD_USER_INPUT"]

    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ("", 20),
        ("(first: 7)", 7),
        ("(last: 7)", 7),
        ("(first: $n)", 100),
        ("(first: 99999999999999999999)", 100),
    ],
)
def test_a_list_costs_its_rows(arguments, rows):
    """At worst where a variable says how many."""
    _, weight = scale_of(f"query ($n: Int) {{ users{arguments} {{ nodes {{ id }} }} }}")

    assert weight.cost == 1 + rows * 2


def test_the_defaults_leave_room_for_introspection():
    """GraphiQL's query, the largest of them."""
    text = get_introspection_query(
        specified_by_url=True,
        schema_description=True,
        directive_is_repeatable=True,
        input_value_deprecation=True,
    )

    assert over_limit(SCHEMA, parse(text), Limits()) == []


def test_an_introspection_costs_no_more_than_that_of_tools():
    """S80: its lists multiply what is selected below them."""
    fields = " ".join(f"a{n}: fields {{ args {{ type {{ name ofType {{ name }} }} }} }}" for n in range(29))
    text = f"{{ __schema {{ types {{ {fields} }} }} }}"

    (error,) = over_limit(SCHEMA, parse(text), Limits())

    assert error.extensions["limit"] == "introspection"

"""The table of docs/guard.md: which events each mutation writes. Each line of it is run."""

import base64
import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLScalarType, get_nullable_type

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from schema.root import schema
from tests.documents import ROOT
from tests.guard.journeys import JOURNEYS, World

for module in sorted(ROOT.glob("tests/*/journeys.py")):
    importlib.import_module(f"tests.{module.parent.name}.journeys")

MUTATIONS: dict[str, Any] = schema._schema.mutation_type.fields  # type: ignore[union-attr]
EVENTS = (ROOT / "docs/guard.md").read_text().partition("## Events")[2]
LINE = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
TABLE = {(mutation, outcome): re.findall(r"`([\w:]+)`", events) for mutation, outcome, events in LINE.findall(EVENTS)}
LEFT = {EventType.DELETED, EventType.DISOWNED}
"""Events after which nothing is kept of where somebody was."""
OURS = {"provider", "clientId", "id", "scope"}
"""Inputs whose values are ours, if they are accepted."""


def test_every_mutation_is_in_the_table():
    """S58: a new one cannot be forgotten, and none is there that is gone."""
    assert {mutation for mutation, _outcome in TABLE} == MUTATIONS.keys()


def test_every_line_has_a_journey():
    """It is run below."""
    assert JOURNEYS.keys() == TABLE.keys()


def test_the_page_names_types_that_there_are():
    """All of them, and no others."""
    assert set(re.findall(r"`((?:account|events|mfa|passkey|session|social):[\w:]+)`", EVENTS)) == set(EventType)


@pytest.fixture
def world(graphql, providers, sign_in, settings) -> World:
    """With providers, and nobody in it."""
    return World(graphql, providers, sign_in, settings)


def document_of(mutation: str) -> str:
    """A call with its input, if it takes one."""
    argument = MUTATIONS[mutation].args.get("input")
    if argument is None:
        return f"mutation {{ {mutation} {{ errors {{ code }} }} }}"
    return f"mutation ($input: {argument.type}) {{ {mutation}(input: $input) {{ errors {{ code }} }} }}"


def texts_of(value: Any, name: str = "") -> Iterator[str]:
    """The strings in a call's input, but those that are ours."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from texts_of(member, key)
    # Hexadecimal digits can stand in an id by chance.
    elif isinstance(value, str) and name not in OURS and not re.fullmatch(r"[0-9a-f]{1,8}", value):
        yield value


@pytest.mark.parametrize(("mutation", "outcome"), JOURNEYS)
def test_a_mutation_writes_what_the_table_says(world, mutation, outcome):
    """No more, in any order; and nothing of what was sent with it."""
    call = JOURNEYS[mutation, outcome](world)
    SecurityEvent.objects.all().expire()

    variables = {} if call.input is None else {"input": call.input}
    answer = world.graphql(document_of(mutation), token=call.token, headers=call.headers, **variables)

    assert answer.status == 200
    assert "errors" not in answer.body
    events = list(SecurityEvent.objects.values())
    assert sorted(event["type"] for event in events) == sorted(TABLE[mutation, outcome])
    if events:
        failed = any(event["type"].endswith(":failure") for event in events)
        assert failed == bool(answer.data[mutation]["errors"])
    for text in [*texts_of(call.input), call.token or "none"]:
        assert text not in str(events)
    for event in events:
        assert event["request_id"] == answer.headers["X-Request-ID"]
        # Nothing is kept about people who leave.
        assert event["ip_address"] == (None if event["type"] in LEFT else "127.0.0.1")
        if call.token:
            # A signed-in holder is named, with the client.
            holder = world.me.account.pk
            assert (event["actor"], event["subject"], event["client"]) == (holder, holder, "web")


SECRET = "Zu5-fed-into-every-field"


def fed(type_: Any) -> Any:
    """A value of an input type, with the secret wherever there is text, in all members of a @oneOf too."""
    type_ = get_nullable_type(type_)
    if isinstance(type_, GraphQLList):
        return [fed(type_.of_type)]
    if isinstance(type_, GraphQLInputObjectType):
        return {name: fed(member.type) for name, member in type_.fields.items()}
    if isinstance(type_, GraphQLScalarType):
        return {"Int": 1, "Float": 1.0, "Boolean": True}.get(type_.name, SECRET)
    return None


def one_of(type_: Any, value: Any) -> Iterator[Any]:
    """The value, with each choice of its @oneOf members."""
    type_ = get_nullable_type(type_)
    if not isinstance(type_, GraphQLInputObjectType) or not isinstance(value, dict):
        yield value
        return
    variants: list[dict[str, Any]] = [{}]
    if type_.is_one_of:
        for name, member in type_.fields.items():
            for chosen in one_of(member.type, value[name]):
                yield {name: chosen}
        return
    for name, member in type_.fields.items():
        if value[name] is None:
            continue
        variants = [{**variant, name: chosen} for variant in variants for chosen in one_of(member.type, value[name])]
    yield from variants


def without(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The value without these members."""
    return {name: member for name, member in value.items() if name not in names}


@pytest.mark.parametrize("mutation", [name for name, field in MUTATIONS.items() if "input" in field.args])
@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("left_out", [(), ("clientId", "clientSecret", "scope")])
def test_no_event_holds_what_was_sent(world, mutation, signed_in, left_out):
    """S47, S58: neither a secret nor a stranger's words, in any field of any mutation; a token and a cookie neither."""
    token = world.me.access_token if signed_in else None
    argument = MUTATIONS[mutation].args["input"].type
    headers = {
        "Cookie": f"refresh_token={SECRET}",
        "X-Requested-With": SECRET,
        "Origin": "http://testserver",
        "End-User-IP": SECRET,
        "End-User-Agent": SECRET,
    }

    for value in one_of(argument, fed(argument)):
        answer = world.graphql(document_of(mutation), token=token, headers=headers, input=without(value, left_out))
        assert answer.status == 200

    stored = str(list(SecurityEvent.objects.values()))
    encoded = base64.b64encode(SECRET.encode()).decode()
    assert not [text for text in (SECRET, encoded, world.me.access_token) if text in stored]

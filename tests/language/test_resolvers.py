"""Fields that are resolved without Strawberry's wrapping."""

import sys
from typing import Any

import pytest
import strawberry
from strawberry import Info
from strawberry.extensions import FieldExtension

from schema.language.resolvers import unwrap
from schema.root import schema


class Twice(FieldExtension):
    """Doubles the value."""

    def resolve(self, next_: Any, source: Any, info: Info, **kwargs: Any) -> Any:
        """Twice the resolver's."""
        return next_(source, info, **kwargs) * 2


@strawberry.type
class Query:
    """Fields of each kind."""

    attribute: int = 1

    @strawberry.field
    def function(self) -> int:
        """Of its object."""
        return self.attribute + 1

    @strawberry.field
    def informed(self, info: Info) -> str:
        """Of its object and the request."""
        return f"{self.attribute} {info.field_name} {info.context}"

    @strawberry.field
    def with_argument(self, number: int = 3) -> int:
        """Of its argument, in Python's name."""
        return number

    @strawberry.field(extensions=[Twice()])
    def extended(self) -> int:
        """Doubled."""
        return 2


ANSWERS = {"attribute": 1, "function": 2, "informed": "1 informed here", "withArgument": 3, "extended": 4}


@pytest.fixture(params=[False, True], ids=["wrapped", "unwrapped"])
def small(request) -> strawberry.Schema:
    """A schema before and after."""
    made = strawberry.Schema(query=Query)
    if request.param:
        unwrap(made._schema)
    return made


@pytest.mark.parametrize("field", ANSWERS)
def test_a_field_answers_the_same_without_the_wrapping(small, field):
    """Whatever it is made of."""
    result = small.execute_sync(f"{{ {field} }}", root_value=Query(), context_value="here")

    assert (result.data, result.errors) == ({field: ANSWERS[field]}, None)


def frames_below(resolve: Any, *arguments: Any) -> int:
    """The number of functions in Python that a resolver calls."""
    called = []
    sys.setprofile(lambda frame, event, _argument: called.append(frame) if event == "call" else None)
    try:
        resolve(*arguments)
    finally:
        sys.setprofile(None)
    return len(called) - 1


@pytest.mark.parametrize("field", ["email", "username", "dateJoined"])
def test_a_column_is_read_by_one_function(account, field):
    """Strawberry called a dozen."""
    resolve = schema._schema.type_map["Account"].fields[field].resolve

    assert frames_below(resolve, account, None) == 0


@pytest.mark.parametrize("name", ["Account", "User"])
def test_a_global_id_is_that_of_relay(account, name):
    """Clients keep ids."""
    resolve = schema._schema.type_map[name].fields["id"].resolve

    assert strawberry.relay.from_base64(resolve(account, None)) == (name, str(account.pk))

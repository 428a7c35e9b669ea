"""What happens when a library moves what a guard stands on: the request is refused, never served without the guard."""

import io
import logging
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest
from graphql import GraphQLError
from strawberry.schema.schema_converter import GraphQLCoreConverter

from accounts.people.models import Account
from project.request_log import REDACTED, Kept, RequestFilter
from schema.http.responses import UNKNOWN_WORDS, redacted
from schema.language import gate
from schema.language.directives import Credential, check_marks
from schema.root import schema
from tests.api import PASSWORD, Answer

REGISTER = (
    f'register(input: {{{{email: "{{0}}@example.com", username: "{{0}}", firstName: "A", password: "{PASSWORD}"}}}})'
    " {{ errors {{ code }} }}"
)
TWO_CREDENTIALS = f"mutation {{ a: {REGISTER.format('ada')} b: {REGISTER.format('bob')} }}"
TOO_MANY_ALIASES = "{ " + " ".join(f"a{n}: __typename" for n in range(300)) + " }"


def is_refused(answer) -> bool:
    """Whether nothing ran: the gate refused it (400), or the check before execution did (500)."""
    return answer.status in {400, 500} and answer.body.get("data") is None and not Account.objects.exists()


@pytest.mark.parametrize("text", [TWO_CREDENTIALS, TOO_MANY_ALIASES, f"mutation {{ {REGISTER.format('ada')} }}"])
@pytest.mark.parametrize("run", [schema.execute_sync, async_to_sync(schema.execute)])
def test_nothing_runs_in_strawberrys_own_ways(db, run, text):
    """S23, S39, S41: they have no gate, so that an operation that may run is refused too."""
    result = run(text, context_value=SimpleNamespace(admitted=None))

    assert "has not admitted" in result.errors[0].message
    assert result.data is None
    assert not Account.objects.exists()


def test_nothing_runs_when_graphql_core_picks_another_operation(client, default_client, monkeypatch):
    """S23, S39, S41: the gate has judged one, and its neighbour would run."""
    build = gate.AdmittedOnly.build
    monkeypatch.setattr(
        gate.AdmittedOnly, "build", lambda *args, **kwargs: build(*args, **{**kwargs, "operation_name": "B"})
    )
    text = f"query A {{ __typename }} mutation B {{ {REGISTER.format('ada')} }}"

    response = client.post("/graphql", {"query": text, "operationName": "A"}, content_type="application/json")

    assert is_refused(Answer(response.status_code, response.json(), response.headers))


def test_nothing_runs_when_marks_cannot_be_read(graphql, monkeypatch):
    """S39: a field whose definition is not found must not pass for one without @credential."""
    monkeypatch.setattr(gate, "_known", {})
    monkeypatch.setattr(GraphQLCoreConverter, "DEFINITION_BACKREF", "definition")

    assert is_refused(graphql(TWO_CREDENTIALS))


def test_the_service_does_not_start_when_marks_are_kept_elsewhere(monkeypatch):
    """S39: `schema.root` calls this when it is imported."""
    check_marks(schema._schema)
    for field in schema._schema.mutation_type.fields.values():
        definition = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        kept = [mark for mark in definition.directives if not isinstance(mark, Credential)]
        monkeypatch.setattr(definition, "directives", kept)

    with pytest.raises(RuntimeError, match="No mutation is marked Credential"):
        check_marks(schema._schema)


def logged_about(request: HttpRequest) -> logging.LogRecord:
    """A record that holds a secret of the request, as it comes out of the filter."""
    error = ValueError("hunter2 is wrong")
    record = logging.LogRecord(
        "name", logging.ERROR, "path", 1, "failed with %s", ("hunter2",), (ValueError, error, None)
    )
    record.request = request
    RequestFilter().filter(record)
    return record


@pytest.mark.parametrize("headers", [{"CONTENT_LENGTH": "30"}, {"HTTP_TRANSFER_ENCODING": "chunked"}])
def test_a_record_is_masked_when_the_body_cannot_be_searched(headers):
    """S47: as where the application is served without `project.wsgi`."""
    request = HttpRequest()
    request.META = headers

    record = logged_about(request)

    assert (record.getMessage(), record.exc_info, record.exc_text) == (REDACTED, None, None)


def test_a_record_is_masked_when_the_body_is_larger_than_what_is_kept():
    """S47: what was not kept cannot be searched."""
    request = HttpRequest()
    request.META["wsgi.input"] = stream = Kept(io.BytesIO(b'{"password": "hunter2"}'), 10)
    while stream.read(8):
        pass

    assert logged_about(request).getMessage() == REDACTED


@pytest.mark.parametrize("headers", [{}, {"CONTENT_LENGTH": ""}, {"CONTENT_LENGTH": "0"}])
def test_a_record_about_a_request_without_a_body_is_left_as_it_is(headers):
    """Nothing is there to be searched."""
    request = HttpRequest()
    request.META = headers

    assert logged_about(request).getMessage() == "failed with hunter2"


@pytest.mark.parametrize(
    "words",
    [
        "You sent 'hunter2'.",
        "hunter2",
        "Expected String, got hunter2.",
        "Variable '$a' has an invalid value: hunter2",
        "Variable '$a' has invalid value at .password: wrong: hunter2",
        "Syntax Error: hunter2 is no name.",
        "Syntax Error: Found hunter2.",
        "Value hunter2 does not exist in 'Enum' enum.",
        "Int cannot represent non-integer hunter2 value.",
        "Cannot query field 'hunter2 hunter3' on type 'Query'.",
    ],
)
def test_a_message_with_an_unknown_beginning_is_masked(words):
    """S47: a release that rewords its messages echoes no value."""
    assert redacted(words) == UNKNOWN_WORDS


@pytest.mark.parametrize(
    "words",
    [
        "Unknown type 'A', hunter2.",
        "Unknown type 'A'. Did you mean hunter2?",
        "Unknown type 'A'. Found: hunter2. Did you mean 'B'?",
        "Expected value of type 'A' to be an object, hunter2.",
        "String cannot represent a non string value (hunter2).",
        "Syntax Error: Unexpected Name (hunter2).",
    ],
)
def test_the_rest_of_a_message_with_a_known_beginning_is_cut_off(words):
    """S47: the rest may hold a value."""
    assert "hunter2" not in redacted(words)


def test_an_error_in_unknown_words_reaches_the_client_masked(graphql, monkeypatch, caplog):
    """S47: in the answer and in the log."""
    broken = GraphQLError("You sent hunter2.", extensions={"value": "hunter2"})
    monkeypatch.setattr(gate, "validate", lambda *_args, **_kwargs: [broken])

    answer = graphql('{ node(id: "hunter2") { id } }')

    assert [error["message"] for error in answer.body["errors"]] == [UNKNOWN_WORDS]
    assert answer.status == 400
    assert "hunter2" not in str(answer.body)
    assert "hunter2" not in caplog.text

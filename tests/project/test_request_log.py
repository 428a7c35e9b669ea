"""What is taken out of the log."""

import io
import json
import logging

import pytest
from django.http import HttpRequest

from project.request_log import Kept, RequestFilter, scrubbed

SECRET = 'an "in\\lined" pässword'


def logged(message: str, body: str, *, most: int = 10**6) -> str:
    """The message, as the log has it while this body is answered."""
    request = HttpRequest()
    request.META["wsgi.input"] = Kept(io.BytesIO(body.encode()), most)
    request.META["wsgi.input"].read(-1)
    record = logging.LogRecord("name", logging.INFO, "path", 1, message, (), None)
    record.request = request
    RequestFilter().filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"variables": {"input": {"password": SECRET}}}),
        json.dumps({"variables": {"input": {"password": SECRET}}}, ensure_ascii=False),
        json.dumps({"query": f"mutation {{ tokenAuth(input: {{password: {json.dumps(SECRET)}}}) }}"}),
        json.dumps({"query": f"{{ a(password:{json.dumps(SECRET, ensure_ascii=False)}) }}"}, ensure_ascii=False),
        json.dumps(
            {"query": '{ a(refreshToken: "", clientSecret : "other", passwordAgain: ' + json.dumps(SECRET) + ")"}
        ),
        '{"password": ' + json.dumps(SECRET)[:-1],
    ],
    ids=["variable", "not escaped", "literal", "literal, not escaped", "third", "cut off"],
)
def test_a_secret_of_the_body_is_found_as_it_is(body):
    """S47: quoted once or twice, and however it is escaped."""
    assert SECRET not in logged(f"failed with {SECRET} somewhere", body)


def test_a_block_string_is_found():
    """S47."""
    body = json.dumps({"query": 'mutation { tokenAuth(input: {password: """in a block"""}) }'})

    assert "in a block" not in logged("failed: in a block", body)


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2&a=b",
        "a=code=hunter2",
        '{"refreshToken": "hunter2"}',
        r"{\"clientSecret\": \"hunter2\"}",
        "{'my_password_2' : 'hunter2'}",
        "Cookie: hunter2",
        "CODEcode = hunter2",
    ],
)
def test_what_stands_behind_a_telling_name_is_taken_out(text):
    """S47."""
    assert "hunter2" not in scrubbed(text, [])


def test_what_has_no_telling_name_stays():
    """A log has to say something."""
    text = "codes of errors: 5, username=ada, path /graphql"

    assert scrubbed(text, []) == text


def test_a_body_of_secrets_is_searched_for_some_of_them():
    """S80: each costs a search of the message."""
    body = " ".join(f'code="secret{number:04}"' for number in range(9000))

    assert logged("secret0099 secret0100", body) == "[redacted] secret0100"


def test_a_cookie_is_found():
    """S47."""
    request = HttpRequest()
    request.META["HTTP_COOKIE"] = 'a=b; sessionid=cookie1; other="cookie2"'
    record = logging.LogRecord("name", logging.INFO, "path", 1, "cookie1 cookie2 b", (), None)
    record.request = request

    RequestFilter().filter(record)

    assert record.getMessage() == "[redacted] [redacted] b"

"""The words and codes of top-level errors: what clients can act on, and no more."""

import logging
import re
from functools import lru_cache
from typing import Any

from django.http.request import MediaType
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import StrawberryInputCoercionError

from accounts.conf import latchkey

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"

log = logging.getLogger(__name__)

VALUES = (
    # graphql-core ends its messages with what it was given, which may be a password.
    (re.compile(r"\? Found: .*", re.DOTALL), "?"),
    (re.compile(r"[,.;] [Ff]ound: .*", re.DOTALL), "."),
    (re.compile(r"\bValue (['\"]).*\1 does not", re.DOTALL), "The value does not"),
    (re.compile(r", but encountered error .*", re.DOTALL), "."),
    (re.compile(r"( cannot represent [\w -]*value): .*", re.DOTALL), r"\1."),
    (re.compile(r"^(Syntax Error: .*?):? (['\"])(?!\W\2\.?$).*", re.DOTALL), r"\1."),
)
SUGGESTION = re.compile(r" Did you mean .*?\?", re.DOTALL)


def media_type_for(accept: str) -> str | None:
    """What to answer with: the draft's media type if the client names it, else plain JSON; None if it takes neither."""
    ranges = ranges_of(accept)
    if GRAPHQL_RESPONSE in ranges:
        return GRAPHQL_RESPONSE
    return JSON if ranges & {JSON, "*/*", "application/*"} else None


@lru_cache(maxsize=128)
def ranges_of(accept: str) -> frozenset[str]:
    """The media ranges of an Accept header without their parameters; what is refused (`q=0`) left out."""
    accepted = (MediaType(token) for token in accept.lower().split(",") if token.strip())
    return frozenset(f"{range_.main_type}/{range_.sub_type}" for range_ in accepted if range_.quality != 0)


def code_of(error: GraphQLError) -> str:
    """One of Apollo Server's codes."""
    code = (error.extensions or {}).get("code")
    if isinstance(code, str):
        return code
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    coerced = isinstance(error.original_error, StrawberryInputCoercionError)
    if error.original_error is None or coerced or (error.path is None and error.locations):
        # graphql-core's and Strawberry's own words about a variable or an argument, whatever they wrap.
        return "BAD_USER_INPUT"
    return "INTERNAL_SERVER_ERROR"


def present(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """An error for the client: no internals (S46), no value that was sent (S47), no suggestion in production (S42).

    A new dict each time: the caches hand the same error to several requests.
    """
    code = code_of(error)
    extensions = {**(error.extensions or {}), "code": code}
    if code == "INTERNAL_SERVER_ERROR":
        log.error("unexpected error at %s", error.path, exc_info=error.original_error)
        message = "Unexpected error."
        extensions["requestId"] = request_id
    else:
        message = redacted(error.message)
    answer: dict[str, Any] = {"message": message}
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path:
        answer["path"] = error.path
    return answer | {"extensions": extensions}


def redacted(message: str) -> str:
    """Without values, and without suggestions where the schema is not to be read."""
    for pattern, replacement in VALUES:
        message = pattern.sub(replacement, message)
    return message if latchkey().introspection else SUGGESTION.sub("", message)

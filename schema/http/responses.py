"""The words and codes of top-level errors: what clients can act on, and no more."""

import logging
import re
from functools import lru_cache
from typing import Any

from django.db import InterfaceError, OperationalError
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import StrawberryInputCoercionError

from accounts.conf import latchkey
from schema.request.refusals import Refusal

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"

DATABASE_AWAY = (OperationalError, InterfaceError)
"""What a database's driver raises when it cannot be reached."""

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 1000
"""Characters that are read of a library's message. The rest can only be a value that was sent (S80)."""
UNKNOWN_WORDS = "The operation is not valid."
"""Replaces a library's message that matches no known beginning."""
NAME = r"'[@$\[]*\w[\w.\[\]!]*(?:\(\w+:\))?'"
KIND = r"(?:'[!?$&(){}\[\]:=|@.]+'|<[SE]OF>|Name|Int|Float|String|BlockString|Comment)"
NAMES = rf"{NAME}(?:(?:, or |, | or ){NAME})*"
SUGGESTION = re.compile(
    rf"\. Did you mean (?:(?:the enum value |to use an inline fragment on )?{NAMES}|'\w+ {{ \.\.\. }}')\?", re.ASCII
)
AT = r"(?: at (?:\.\w+|\[\d+\])+)?"
WRAPPED = rf"(?:(?:Variable|Argument) {NAME} has invalid (?:default )?value{AT}: )?"
"""The prefix of messages about the value of a variable."""
KNOWN_WORDS = (
    # Documents. `<>` is a name.
    "Argument <> of type <> is required, but it was not provided",
    "Cannot query field <> on type <>",
    "Cannot spread fragment <> within itself",
    "Directive <> may not be used on (?:field|mutation|query|subscription)",
    "Directive <> may not be used on (?:fragment|inline|variable) (?:definition|fragment|spread)",
    "Field <> must not have a selection since type <> has no subfields",
    "Field <> of type <> must have a selection of subfields",
    "Fields <> conflict",
    "Fields <> conflict because <> and <> are different fields",
    "Fields <> conflict because they have differing arguments",
    "Fields <> conflict because they return conflicting types <> and <>",
    "Fragment <> cannot be spread here as objects of type <> can never be of type <>",
    "Fragment <> cannot condition on non composite type <>",
    "Fragment <> is never used",
    "Fragment cannot be spread here as objects of type <> can never be of type <>",
    "Fragment cannot condition on non composite type <>",
    "GraphQL introspection has been disabled, but the requested query contained the field <>",
    "The (?:schema|<>) definition is not executable",
    "The (?:mutation|query|subscription) operation is not supported by the schema",
    "The directive <> can only be used once at this location",
    "There can be only one (?:argument|fragment|input field|operation|variable) named <>",
    "This anonymous operation must be the only defined operation",
    "Too many validation errors, error limit reached",
    "Unknown argument <> on (?:directive|field) <>",
    "Unknown (?:directive|fragment|type) <>",
    "Variable <> cannot be non-input type <>",
    "Variable <> is not defined",
    "Variable <> is not defined by operation <>",
    "Variable <> is never used",
    "Variable <> is never used in operation <>",
    "Variable <> of type <> used in position expecting type <>",
    # Values. The value follows.
    "Boolean cannot represent a non boolean value",
    "ID cannot represent (?:a non-string and non-integer )?value",
    "Int cannot represent non(?:-integer| 32-bit signed integer) value",
    "String cannot represent (?:a non string )?value",
    "Enum <> cannot represent non-(?:enum|string) value",
    "Expected a value of non-null type <> to be provided",
    "Expected value of non-null type <> not to be None",
    "Expected value of type <> not to include unknown field <>",
    "Expected value of type <> to be an object",
    "Expected value of type <> to include required field <>",
    "Too many errors processing variables, error limit reached",
    "Within OneOf Input Object type <>, exactly one field must be specified",
    # Syntax. The text of the document follows.
    f"Syntax Error: Expected (?:{KIND}|'[a-z]+'), found {KIND}",
    f"Syntax Error: Unexpected {KIND}",
    "Syntax Error: Document is nested too deeply",
    "Syntax Error: Invalid (?:character|Unicode) escape sequence",
    "Syntax Error: Invalid number, (?:expected digit(?: before '\\.')?|unexpected digit after 0)",
    "Syntax Error: Unexpected (?:character|description|variable <> in constant value)",
    "Syntax Error: Unexpected single quote character \\('\\), did you mean to use a double quote \\(\"\\)",
    "Syntax Error: Unterminated string",
)
"""The beginnings of graphql-core's messages. They hold names and no value; the rest of a message is cut off."""
KNOWN = re.compile(f"{WRAPPED}(?:{'|'.join(sorted(KNOWN_WORDS, key=len, reverse=True))})".replace("<>", NAME), re.ASCII)
NO_ENUM_VALUE = re.compile(rf"({WRAPPED})Value '.*( does not exist in {NAME} enum)(?=\.)", re.ASCII | re.DOTALL)
"""The one message whose value stands in the middle."""
REFUSED = re.compile(r"q\s*=\s*0(?:\.0*)?")
"""The weight of what is not accepted (RFC 9110 §12.4.2)."""
LONGEST_ACCEPT = 1000
"""Characters of an Accept header that are read: several times what browsers send."""


def media_type_for(accept: str) -> str | None:
    """What to answer with: the draft's media type if the client names it, else plain JSON; None if it takes neither."""
    ranges = ranges_of(accept)
    if GRAPHQL_RESPONSE in ranges:
        return GRAPHQL_RESPONSE
    return JSON if ranges & {JSON, "*/*", "application/*"} else None


def ranges_of(accept: str) -> frozenset[str]:
    """The media ranges of an Accept header without their parameters; what is refused (`q=0`) left out."""
    return _ranges_of(accept[:LONGEST_ACCEPT])


@lru_cache(maxsize=128)
def _ranges_of(accept: str) -> frozenset[str]:
    # Not Django's MediaType: its parser fails on some parameters (RFC 2231), which no Accept header has.
    accepted = ([part.strip() for part in token.split(";")] for token in accept.lower().split(","))
    return frozenset(
        range_ for range_, *parameters in accepted if range_ and not any(map(REFUSED.fullmatch, parameters))
    )


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
    own = isinstance(error, Refusal) or isinstance(error.original_error, Refusal)
    extensions = {**((error.extensions or {}) if own else {}), "code": code}
    if code == "INTERNAL_SERVER_ERROR":
        log.error("unexpected error at %s", error.path, exc_info=error.original_error)
        message = "Unexpected error."
        extensions["requestId"] = request_id
    else:
        message = error.message if own else redacted(error.message)
    answer: dict[str, Any] = {"message": message}
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path:
        answer["path"] = error.path
    return answer | {"extensions": extensions}


def redacted(message: str) -> str:
    """The beginning of a library's message that is known to hold no value of the request; else UNKNOWN_WORDS.

    A release that rewords its messages makes them vague, and echoes nothing (S47). Suggestions stay only where the
    schema may be read.
    """
    message = message[:LONGEST_MESSAGE]
    known = KNOWN.match(message)
    if known is not None:
        said, end = known[0], known.end()
    elif (known := NO_ENUM_VALUE.match(message)) is not None:
        said, end = f"{known[1]}The value{known[2]}", known.end()
    else:
        log.warning("masked an error message that matches no known beginning")
        return UNKNOWN_WORDS
    suggestion = SUGGESTION.match(message, end) if latchkey().introspection else None
    return said + (suggestion[0] if suggestion else ".")

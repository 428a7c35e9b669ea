"""Refusals in this service's own words, with Apollo Server's codes."""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, Node


class Refusal(GraphQLError):
    """An error in our own words. It reaches the client as it is, so its message repeats no value of the request (S47).

    The words of libraries are masked instead: see `schema.http.responses.redacted`.
    """

    def __init__(self, message: str, nodes: Sequence[Node] = (), *, code: str, **extensions: Any) -> None:
        super().__init__(message, nodes or None, extensions={"code": code, **extensions})


class Unauthenticated(Refusal):
    """The field is for signed-in accounts."""

    def __init__(self, hint: str = "") -> None:
        super().__init__(f"Sign in first. {hint}".strip(), code="UNAUTHENTICATED")


class Forbidden(Refusal):
    """The field is not for this account."""

    def __init__(self) -> None:
        super().__init__("This is not for your account.", code="FORBIDDEN")

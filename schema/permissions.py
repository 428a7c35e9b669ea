"""Refusals of one field, with Apollo Server's codes."""

from graphql import GraphQLError


class Unauthenticated(GraphQLError):
    """The field is for signed-in accounts."""

    def __init__(self) -> None:
        super().__init__("Sign in to read this.", extensions={"code": "UNAUTHENTICATED"})


class Forbidden(GraphQLError):
    """The field is not for this account."""

    def __init__(self) -> None:
        super().__init__("This is not for your account.", extensions={"code": "FORBIDDEN"})

"""What happens to an operation before it runs: parsed, validated and judged once per text, then the Bearer."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache, cached
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    ValidationRule,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import SchemaExtension

from accounts.conf import Limits, latchkey
from accounts.exceptions import BearerError, InvalidToken
from schema.context import Context
from schema.directives import Anonymous, Credential, declares
from schema.limits import exceeded, over_limit
from schema.selection import root_fields

CACHED_BYTES = 256 * 1024
"""Of query texts whose syntax trees are kept. A tree is some ninety times as large as its text, so this is about
23 MB a process; counting entries would bound nothing."""


UNCLEAR = GraphQLError(
    "Say which of the operations to run: `operationName`.",
    extensions={"code": "OPERATION_RESOLUTION_FAILURE"},
)


class OneCredential(ValidationRule):
    """At most one @credential field an operation (S39): else one request could try a thousand passwords."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        """Count them, through aliases and fragments."""
        root = self.context.schema.get_root_type(node.operation)
        if root is None:
            return
        found = [
            field
            for field in root_fields(self.context.document, node)
            if declares(root.fields.get(field.name.value), Credential)
        ]
        if len(found) > 1:
            self.report_error(
                GraphQLError(
                    "An operation takes at most one field that carries @credential.",
                    found[:2],
                    extensions={"code": "BAD_USER_INPUT"},
                )
            )


RULES = (*specified_rules, OneCredential)
"""Without Strawberry's own rules for @oneOf, which fail on undefined variables and in fragments; its coercion tells."""
RULES_WITHOUT_INTROSPECTION = (*RULES, NoSchemaIntrospectionCustomRule)


@dataclass(frozen=True)
class Prepared:
    """A query text, ready to run or refused. Shared between requests: never to be changed."""

    document: DocumentNode
    errors: list[GraphQLError]
    anonymous: frozenset[int]
    """The positions of the operations that run whatever the Authorization header says."""
    size: int
    """Of the text."""


def prepare(schema: GraphQLSchema, query: str) -> Prepared:
    """Parse and validate, or remember having done so. Raises GraphQLError if the text cannot be parsed."""
    settings = latchkey()
    if len(query.encode()) > settings.limits.query_bytes:
        raise exceeded("query bytes", settings.limits.query_bytes)
    return _prepare(schema, query, settings.limits, settings.introspection)


@cached(LRUCache(maxsize=CACHED_BYTES, getsizeof=lambda prepared: prepared.size), lock=threading.Lock())
def _prepare(schema: GraphQLSchema, query: str, limits: Limits, introspection: bool) -> Prepared:  # noqa: FBT001
    try:
        document = parse(query, max_tokens=limits.tokens)
        # Before graphql-core's rules, of which one compares all fields of the same name with each other.
        errors = over_limit(schema, document, limits) or validate(
            schema, document, RULES if introspection else RULES_WITHOUT_INTROSPECTION
        )
    except GraphQLSyntaxError as error:
        if "tokens. Parsing aborted" in error.message:
            raise exceeded("tokens", limits.tokens) from None
        raise
    except RecursionError:
        raise exceeded("depth", limits.depth) from None
    for broken in errors:
        broken.extensions = {"code": "GRAPHQL_VALIDATION_FAILED", **(broken.extensions or {})}
    anonymous = frozenset(
        definition.loc.start
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        and definition.loc
        and not errors
        and _is_anonymous(schema, document, definition)
    )
    return Prepared(document, errors, anonymous, size=len(query))


def _is_anonymous(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    root = schema.get_root_type(operation.operation)
    names = {field.name.value for field in root_fields(document, operation)}
    return root is not None and all(
        name.startswith("__") or declares(root.fields.get(name), Anonymous) for name in names
    )


class Gate(SchemaExtension):
    """One extension for all of it: each costs every request several calls."""

    prepared: Prepared

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache."""
        call = self.execution_context
        if call.query:
            self.prepared = prepare(call.schema._schema, call.query)  # noqa: SLF001 - no public name
            call.graphql_document = self.prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Take the verdict from the cache, and see which operation is meant: with several, the client has to say."""
        call = self.execution_context
        # Strawberry's `operation_name` would name the first one.
        operation = get_operation_ast(self.prepared.document, call._provided_operation_name)  # noqa: SLF001
        call.pre_execution_errors = self.prepared.errors if operation else self.prepared.errors or [UNCLEAR]
        yield

    def on_execute(self) -> Iterator[None]:
        """Let a bad Bearer stop the operation before anything runs, unless all of it is @anonymous (S23)."""
        call = self.execution_context
        operation = get_operation_ast(self.prepared.document, call.operation_name)
        if operation and operation.loc and operation.loc.start not in self.prepared.anonymous:
            context: Context = call.context
            try:
                context.viewer  # noqa: B018 - looking is what authenticates
            except BearerError as error:
                context.refusal = error
                code = "UNAUTHENTICATED" if isinstance(error, InvalidToken) else "FORBIDDEN"
                raise GraphQLError(error.description, extensions={"code": code}) from error
        yield

    def get_results(self) -> dict[str, Any]:
        """What developers overlook."""
        hints: list[str] = self.execution_context.context.hints
        return {"hint": " ".join(hints)} if hints else {}

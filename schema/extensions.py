"""What happens to an operation before it runs: parsed, validated and judged once per text, then the Bearer."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    ValidationRule,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import SchemaExtension

from accounts.conf import latchkey
from accounts.exceptions import BearerError, InvalidToken
from schema.context import Context
from schema.directives import Anonymous, Credential, declares
from schema.selection import root_fields

LARGEST_CACHED = 8 * 1024
"""Bytes of query text. A syntax tree is some forty times as large as its text: caching only small ones bounds the
memory of a process, where counting entries would not."""
MOST_CACHED = 256


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
RULES_WITHOUT_INTROSPECTION = (*RULES, NoSchemaIntrospectionCustomRule)


@dataclass(frozen=True)
class Prepared:
    """A query text, ready to run or refused. Shared between requests: never to be changed."""

    document: DocumentNode
    errors: list[GraphQLError]
    anonymous: frozenset[int]
    """The positions of the operations that run whatever the Authorization header says."""


def prepare(schema: GraphQLSchema, query: str) -> Prepared:
    """Parse and validate, or remember having done so. Raises GraphQLError if the text cannot be parsed."""
    settings = latchkey()
    if len(query) > settings.max_query_bytes:
        raise GraphQLError("The query text is too long.", extensions={"code": "BAD_USER_INPUT"})
    work = _prepare_cached if len(query) <= LARGEST_CACHED else _prepare
    return work(schema, query, settings.max_tokens, settings.introspection)


def _prepare(schema: GraphQLSchema, query: str, max_tokens: int, introspection: bool) -> Prepared:  # noqa: FBT001
    try:
        document = parse(query, max_tokens=max_tokens)
        rules = RULES if introspection else RULES_WITHOUT_INTROSPECTION
        errors = validate(schema, document, rules)
    except RecursionError:
        raise GraphQLError("The query is nested too deeply.", extensions={"code": "BAD_USER_INPUT"}) from None
    for error in errors:
        error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED", **(error.extensions or {})}
    anonymous = frozenset(
        definition.loc.start
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        and definition.loc
        and not errors
        and _is_anonymous(schema, document, definition)
    )
    return Prepared(document, errors, anonymous)


_prepare_cached = lru_cache(maxsize=MOST_CACHED)(_prepare)


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
        """Take the verdict from the cache."""
        self.execution_context.pre_execution_errors = self.prepared.errors
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
        """Nothing to add to the answer."""
        return {}

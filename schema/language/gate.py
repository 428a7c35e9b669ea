"""The gate before an operation runs: parses, validates and limits each text once, then checks the Bearer token."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NonNullTypeNode,
    OperationDefinitionNode,
    ValidationRule,
    get_operation_ast,
    is_non_null_type,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from accounts.conf import Limits, latchkey
from accounts.tokens.errors import BearerError, InvalidToken
from schema.language.directives import Anonymous, Credential, declares
from schema.language.limits import check_variables, exceeded, over_limit
from schema.language.selection import root_fields
from schema.request.context import Context
from schema.request.refusals import Refusal

CACHED_BYTES = 24 * 1024 * 1024
"""The memory for cached syntax trees of a process. Counting entries or characters would not bound it (S92)."""
TREE_BYTES, TOKEN_BYTES, CHARACTER_BYTES = 32 * 1024, 1024, 8
"""The most memory of a tree: fixed, per token, and per character of its text, which is kept twice."""
MAX_ERRORS = 5
"""The number of errors that are returned of a document: each may print a whole literal."""

UNCLEAR = Refusal(
    "Say which of the operations to run: `operationName`.",
    code="OPERATION_RESOLUTION_FAILURE",
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
                Refusal(
                    "An operation takes at most one field that carries @credential.",
                    found[:2],
                    code="BAD_USER_INPUT",
                )
            )


class NonNullInOneOf(ValidationRule):
    """A variable in a @oneOf input is not nullable: graphql-core overlooks it where the input itself is required."""

    def leave_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        """Look at each use of a nullable variable, through fragments."""
        nullable = {
            variable.variable.name.value
            for variable in node.variable_definitions or ()
            if not isinstance(variable.type, NonNullTypeNode)
        }
        for usage in self.context.get_recursive_variable_usages(node):
            parent = usage.parent_type
            if is_non_null_type(parent) and getattr(parent.of_type, "is_one_of", False):
                name = usage.node.name.value
                if name in nullable:
                    self.report_error(
                        Refusal(
                            f"Variable '${name}' must be non-null in a @oneOf input object.",
                            [usage.node],
                            code="GRAPHQL_VALIDATION_FAILED",
                        )
                    )


RULES = (*specified_rules, OneCredential, NonNullInOneOf)
"""Without Strawberry's own rules for @oneOf, which fail on undefined variables and in fragments: root.py marks the
types for graphql-core's."""
RULES_WITHOUT_INTROSPECTION = (*RULES, NoSchemaIntrospectionCustomRule)


@dataclass(frozen=True)
class Prepared:
    """A query text, ready to run or refused. Shared between requests: never to be changed."""

    document: DocumentNode
    errors: list[GraphQLError]
    anonymous: frozenset[int]
    """The positions of the operations that run whatever the Authorization header says."""
    size: int
    """Bytes of memory, as an upper bound."""


_known: LRUCache[Any, Prepared] = LRUCache(maxsize=CACHED_BYTES, getsizeof=lambda prepared: prepared.size)
_lock = threading.Lock()


def prepare(schema: GraphQLSchema, query: str) -> Prepared:
    """Parse and validate a text, or take it from the cache. Raises GraphQLError if it cannot be parsed.

    Only valid documents are cached: an attacker sends each broken one only once.
    """
    settings = latchkey()
    if len(query.encode()) > settings.limits.query_bytes:
        raise exceeded("query bytes", settings.limits.query_bytes)
    key = (schema, query, settings.limits, settings.introspection)
    with _lock:
        prepared = _known.get(key)
    if prepared is None:
        prepared = _prepare(schema, query, settings.limits, introspection=settings.introspection)
        if not prepared.errors and prepared.size <= CACHED_BYTES:
            with _lock:
                _known[key] = prepared
    return prepared


def _prepare(schema: GraphQLSchema, query: str, limits: Limits, *, introspection: bool) -> Prepared:
    try:
        document = parse(query, max_tokens=limits.tokens)
        errors = over_limit(schema, document, limits) or validate(
            schema,
            document,
            RULES if introspection else RULES_WITHOUT_INTROSPECTION,
            max_errors=MAX_ERRORS,
            hide_suggestions=not introspection,
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
        _position(definition)
        for definition in document.definitions
        if not errors
        and isinstance(definition, OperationDefinitionNode)
        and _is_anonymous(schema, document, definition)
    )
    return Prepared(document, errors, anonymous, size=_size(query, document))


def _size(query: str, document: DocumentNode) -> int:
    """Every token is kept with the tree, comments too."""
    tokens = 0
    token = document.loc.start_token if document.loc else None
    while token:
        tokens += 1
        token = token.next
    return TREE_BYTES + tokens * TOKEN_BYTES + len(query) * CHARACTER_BYTES


def _position(operation: OperationDefinitionNode) -> int:
    if operation.loc is None:
        raise RuntimeError("graphql-core has parsed without positions.")
    return operation.loc.start


def _is_anonymous(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    root = schema.get_root_type(operation.operation)
    names = {field.name.value for field in root_fields(document, operation)}
    return root is not None and all(
        name.startswith("__") or declares(root.fields.get(name), Anonymous) for name in names
    )


class AdmittedOnly(StrawberryGraphQLCoreExecutionContext):
    """Runs the operation that the gate has admitted, and raises RuntimeError for any other.

    The gate reaches Strawberry through hooks and attributes that a release may rename. Strawberry would ignore the old
    names, and run what was never weighed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        context: Context = self.context_value
        if context.admitted is not self.operation:
            raise RuntimeError("The gate has not admitted this operation.")


class Gate(SchemaExtension):
    """One extension for all of it: each costs every request several calls."""

    prepared: Prepared
    operation: OperationDefinitionNode | None

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache."""
        call = self.execution_context
        if call.query:
            check_variables(call.variables, latchkey().limits)
            self.prepared = prepare(call.schema._schema, call.query)  # noqa: SLF001 - no public name
            call.graphql_document = self.prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Take the errors from the cache, and find the operation: of several, the client must name one."""
        call = self.execution_context
        # Strawberry's `operation_name` would name the first one.
        self.operation = get_operation_ast(self.prepared.document, call._provided_operation_name)  # noqa: SLF001
        call.pre_execution_errors = self.prepared.errors or ([] if self.operation else [UNCLEAR])
        yield

    def on_execute(self) -> Iterator[None]:
        """Admit the operation, unless a bad Bearer stops it. One of @anonymous fields only runs with any (S23)."""
        context: Context = self.execution_context.context
        operation = self.operation
        if operation is not None and not self.prepared.errors:
            if _position(operation) not in self.prepared.anonymous:
                self._check_bearer(context)
            context.admitted = operation
        yield

    def _check_bearer(self, context: Context) -> None:
        try:
            signed_out = context.viewer is None
        except BearerError as error:
            context.refusal = error
            code = "UNAUTHENTICATED" if isinstance(error, InvalidToken) else "FORBIDDEN"
            raise Refusal(error.description, code=code) from error
        if signed_out and latchkey().development and context.authorization_hint:
            context.hints.append(context.authorization_hint)

    def get_results(self) -> dict[str, Any]:
        """Hints for developers, in development."""
        hints: list[str] = self.execution_context.context.hints
        return {"hint": " ".join(hints)} if hints else {}

"""The gate before an operation runs: parses, validates and limits each text once, then checks the Bearer token."""

import threading
from dataclasses import dataclass
from typing import Any, cast

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    ValidationRule,
    is_non_null_type,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule

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


class UnknownOperation(Refusal):
    """No operation of the document has the name that the client gave, or there is none at all."""

    def __init__(self) -> None:
        super().__init__("The document has no such operation.", code="OPERATION_RESOLUTION_FAILURE")


class NotAQuery(Exception):
    """The operation would change something, and the request must not."""


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
class Operation:
    """An operation of a document."""

    node: OperationDefinitionNode
    name: str | None
    anonymous: bool
    """Whether it runs whatever the Authorization header says."""
    label: str
    """What it is called in metrics and traces: its root field. Its own name is any that the client likes."""


@dataclass(frozen=True)
class Prepared:
    """A query text, ready to run or refused. Shared between requests: never to be changed."""

    document: DocumentNode
    errors: list[GraphQLError]
    operations: tuple[Operation, ...]
    size: int
    """Bytes of memory, as an upper bound."""

    def operation(self, name: str | None) -> Operation | None:
        """The one that the client means; None if it means one of several. Raises UnknownOperation."""
        meant = [operation for operation in self.operations if name is None or operation.name == name]
        if not meant:
            raise UnknownOperation
        return meant[0] if len(meant) == 1 else None


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
    operations = tuple(
        Operation(
            node=node,
            name=node.name.value if node.name else None,
            anonymous=not errors and _is_anonymous(schema, document, node),
            label="" if errors else _label(document, node),
        )
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )
    return Prepared(document, errors, operations, size=_size(query, document))


def _size(query: str, document: DocumentNode) -> int:
    """Every token is kept with the tree, comments too."""
    tokens = 0
    token = document.loc.start_token if document.loc else None
    while token:
        tokens += 1
        token = token.next
    return TREE_BYTES + tokens * TOKEN_BYTES + len(query) * CHARACTER_BYTES


def _is_anonymous(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    root = schema.get_root_type(operation.operation)
    names = {field.name.value for field in root_fields(document, operation)}
    return root is not None and all(
        name.startswith("__") or declares(root.fields.get(name), Anonymous) for name in names
    )


def _label(document: DocumentNode, operation: OperationDefinitionNode) -> str:
    names = {name for field in root_fields(document, operation) if not (name := field.name.value).startswith("__")}
    if len(names) > 1:
        return "several"
    return names.pop() if names else "introspection"


class AdmittedOnly(Executor[Any]):
    """Runs the operation that the gate has admitted, and raises RuntimeError for any other.

    So nothing runs that was never weighed: neither where graphql-core picks another operation than we do, nor by
    Strawberry's own ways to execute, which have no gate.
    """

    def __init__(self, *args: Any, operation_extensions: object = None, **kwargs: Any) -> None:
        """As graphql-core calls it; `operation_extensions` is Strawberry's."""
        super().__init__(*args, **kwargs)
        context: Context = self.context_value
        if context.admitted is not self.operation:
            raise RuntimeError("The gate has not admitted this operation.")


def _assume_synchronous(_value: object) -> Any:
    return False


NEVER: Any = _assume_synchronous
"""No resolver is asynchronous, so graphql-core need not look at each value."""


def run(
    schema: GraphQLSchema,
    query: str,
    *,
    variables: dict[str, Any] | None,
    name: str | None,
    context: Context,
    read_only: bool,
) -> ExecutionResult:
    """Run the operation of this name, unless the text, the variables or a bad Bearer are refused.

    An operation of @anonymous fields only runs with any Bearer (S23). Raises UnknownOperation, and NotAQuery for what
    is not a query if `read_only`.
    """
    try:
        check_variables(variables, latchkey().limits)
        prepared = prepare(schema, query)
    except GraphQLError as error:
        return ExecutionResult(None, [error])
    operation = prepared.operation(name)
    if read_only and operation is not None and operation.node.operation is not OperationType.QUERY:
        raise NotAQuery
    if prepared.errors:
        return ExecutionResult(None, prepared.errors)
    if operation is None:
        return ExecutionResult(None, [UNCLEAR])
    context.operation = operation.label
    if not operation.anonymous and (refusal := _bad_bearer(context)):
        return ExecutionResult(None, [refusal])
    context.admitted = operation.node
    executor = AdmittedOnly.build(
        schema,
        prepared.document,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation.name,
        is_awaitable=NEVER,
        is_async_iterable=NEVER,
    )
    # What cannot be built is returned as its errors.
    result: Any = ExecutionResult(None, executor) if isinstance(executor, list) else executor.execute_operation()
    return cast("ExecutionResult", result)


def _bad_bearer(context: Context) -> Refusal | None:
    try:
        signed_out = context.viewer is None
    except BearerError as error:
        context.refusal = error
        refusal = Refusal(error.description, code="UNAUTHENTICATED" if isinstance(error, InvalidToken) else "FORBIDDEN")
        refusal.__cause__ = error
        return refusal
    if signed_out and latchkey().development and context.authorization_hint:
        context.hints.append(context.authorization_hint)
    return None

"""Expected failures as typed data in the payload."""

import enum
from collections.abc import Callable
from typing import Any, Protocol, Self

import strawberry
from strawberry import Info
from strawberry.extensions import FieldExtension
from strawberry.types.nodes import SelectedField
from strawberry.utils.str_converters import to_camel_case

from accounts.conf import latchkey
from accounts.errors import AccountsError
from accounts.failures import FAILURES
from accounts.tokens.errors import InvalidToken
from schema.language.described import described
from schema.request.refusals import Unauthenticated

_codes = {failure.code: strawberry.enum_value(failure.code, description=failure.__doc__) for failure in FAILURES}

# Built from the exceptions, so that there is one list of them. mypy cannot follow that.
_AuthErrorCode: Any = enum.Enum("AuthErrorCode", _codes)  # type: ignore[misc]

AuthErrorCode: Any = strawberry.enum(_AuthErrorCode, description="The kinds of expected failure.")


@described
@strawberry.type
class AuthError:
    """One expected failure."""

    code: AuthErrorCode = strawberry.field(
        description="For programs. Stable; new codes may be added, so keep a default branch that shows `message`."
    )
    message: str = strawberry.field(
        description=(
            "For people, in the language of the header `Accept-Language`: English, German or French; otherwise English."
            " Not stable: never compare it."
        )
    )
    field: list[str] | None = strawberry.field(
        description=(
            'The path of the input field below `input`, such as `["email"]` or `["credential", "idToken"]`;'
            " `null` if the failure is not about one field."
        )
    )
    retry_after: int | None = strawberry.field(
        description="Seconds to wait before trying again, as in the header `Retry-After`. Set with RATE_LIMITED."
    )

    @classmethod
    def of(cls, failure: AccountsError) -> Self:
        """Map a failure of the domain."""
        path = None if failure.field is None else [to_camel_case(name) for name in failure.field]
        return cls(
            code=AuthErrorCode[failure.code],
            message=str(failure.message),
            field=path,
            retry_after=failure.retry_after,
        )

    @classmethod
    def all_of(cls, error: AccountsError) -> list[Self]:
        """Map all failures of an error."""
        return [cls.of(failure) for failure in error.failures]


@strawberry.type
class Payload:
    """Base of all outcomes but AuthPayload. Not a type of its own in the schema: subclasses inherit its field."""

    errors: list[AuthError] = strawberry.field(default_factory=list, description="Why it failed; empty otherwise.")

    @classmethod
    def refused(cls, error: AccountsError) -> Self:
        """The payload of a failure."""
        return cls(errors=AuthError.all_of(error))


class Outcome(Protocol):
    """A payload that can say why it is empty."""

    @classmethod
    def refused(cls, error: AccountsError) -> Self:
        """The payload of a failure."""


class ExpectedFailures(FieldExtension):
    """Turns an AccountsError of the resolver into its payload."""

    def __init__(self, payload: type[Outcome]) -> None:
        self.payload = payload

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        """The resolver's payload, or the payload of its failure."""
        try:
            return next_(source, info, **kwargs)
        except InvalidToken:
            # The token was revoked while the resolver ran.
            raise Unauthenticated from None
        except AccountsError as error:
            refusal = error
        info.context.failure = info.context.failure or refusal.failures[0].code
        info.context.wait(*(failure.retry_after or 0 for failure in refusal.failures))
        if latchkey().development:
            hints = info.context.hints
            if not _selects_errors(info):
                codes = ", ".join(failure.code for failure in refusal.failures)
                hints.append(f"`{info.field_name}` failed with {codes}. Select `errors {{ code message }}`.")
            hints += [failure.hint for failure in refusal.failures if failure.hint]
        return self.payload.refused(refusal)


def mutation(payload: type[Outcome], *marks: object) -> Callable[[Callable[..., Any]], Any]:
    """Declare a mutation: its docstring is its description, and its expected failures become this payload."""

    def declare(resolver: Callable[..., Any]) -> Any:
        return described(
            strawberry.mutation(resolver=resolver, directives=marks, extensions=[ExpectedFailures(payload)])
        )

    return declare


def _selects_errors(info: Info) -> bool:
    """Whether the client selects `errors`: forgetting it is the most common first mistake."""
    pending = [selection for field in info.selected_fields for selection in field.selections]
    while pending:
        selection = pending.pop()
        if isinstance(selection, SelectedField):
            if selection.name == "errors":
                return True
        else:
            pending.extend(selection.selections)
    return False

"""How expected failures of the domain reach the client: as typed data in the payload. The one place that knows both."""

import enum
from collections.abc import Callable, Iterator
from typing import Any, Self

import strawberry
from strawberry import Info
from strawberry.extensions import FieldExtension
from strawberry.types.nodes import SelectedField
from strawberry.utils.str_converters import to_camel_case

from accounts import models
from accounts.conf import latchkey
from accounts.exceptions import AccountsError
from schema.types import Account, TokenSet


def _leaves(kind: type[AccountsError]) -> Iterator[type[AccountsError]]:
    if "code" in vars(kind):
        yield kind
    for child in kind.__subclasses__():
        yield from _leaves(child)


_codes = {leaf.code: strawberry.enum_value(leaf.code, description=leaf.__doc__) for leaf in _leaves(AccountsError)}
# Made of the exceptions, so that there is one list of them; which mypy cannot follow.
_AuthErrorCode: Any = enum.Enum("AuthErrorCode", _codes)  # type: ignore[misc]
AuthErrorCode: Any = strawberry.enum(_AuthErrorCode, description="The kinds of expected failure.")


@strawberry.type(description="Why something that can be expected to fail did fail.")
class AuthError:
    """See the description."""

    code: AuthErrorCode = strawberry.field(
        description="For programs. Stable; new codes may be added, so keep a default branch that shows `message`."
    )
    message: str = strawberry.field(
        description="For people, in the language of `Accept-Language`. Not stable: never compare it."
    )
    field: list[str] | None = strawberry.field(
        description=(
            'The path of the input field below `input`, such as `["email"]` or `["credential", "accessToken"]`;'
            " `null` when it is about the whole."
        )
    )

    @classmethod
    def of(cls, failure: AccountsError) -> Self:
        """The domain's failure for the wire."""
        path = None if failure.field is None else [to_camel_case(name) for name in failure.field]
        return cls(code=AuthErrorCode[failure.code], message=str(failure.message), field=path)


@strawberry.type(
    description=(
        "The outcome of every mutation that can sign in. Exactly one holds: `tokens` is set (signed in), or `errors`"
        " is not empty."
    )
)
class AuthPayload:
    """See the description."""

    tokens: TokenSet | None = strawberry.field(default=None, description="The tokens; `null` when not signed in.")
    account: Account | None = strawberry.field(
        default=None, description="The account that is now signed in; `null` when not signed in."
    )
    is_new_account: bool = strawberry.field(
        default=False,
        description=(
            "Whether this call created the account: always for a `register` that signs in, and for the first sign-in"
            " through a provider."
        ),
    )
    errors: list[AuthError] = strawberry.field(
        default_factory=list, description="Why there are no tokens; empty when there are."
    )

    @classmethod
    def signed_in(cls, account: models.Account, tokens: TokenSet, *, is_new_account: bool = False) -> Self:
        """Success."""
        return cls(tokens=tokens, account=account, is_new_account=is_new_account)  # type: ignore[arg-type]


@strawberry.type(description="The outcome of `revokeToken`.")
class RevokeTokenPayload:
    """See the description."""

    errors: list[AuthError] = strawberry.field(default_factory=list, description="Why it failed; empty otherwise.")


class ExpectedFailures(FieldExtension):
    """Turns an AccountsError of the resolver into the errors of its payload."""

    def __init__(self, payload: type[AuthPayload | RevokeTokenPayload]) -> None:
        self.payload = payload

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        """The payload, whatever happened."""
        try:
            return next_(source, info, **kwargs)
        except AccountsError as error:
            errors = [AuthError.of(failure) for failure in error.failures]
        if latchkey().development and not _selects_errors(info):
            codes = ", ".join(error.code.value for error in errors)
            info.context.hints.append(f"`{info.field_name}` failed with {codes}. Select `errors {{ code message }}`.")
        return self.payload(errors=errors)


def _selects_errors(info: Info) -> bool:
    """Whether the client will see why a payload is empty; the commonest first mistake is to not ask."""
    pending = [selection for field in info.selected_fields for selection in field.selections]
    while pending:
        selection = pending.pop()
        if isinstance(selection, SelectedField):
            if selection.name == "errors":
                return True
        else:
            pending.extend(selection.selections)
    return False

"""How expected failures of the domain reach the client: as typed data in the payload. The one place that knows both."""

import enum
from collections.abc import Callable, Iterator
from typing import Any, Self

import strawberry
from strawberry import Info
from strawberry.extensions import FieldExtension
from strawberry.types.nodes import SelectedField
from strawberry.utils.str_converters import to_camel_case

from accounts import challenges, models
from accounts.conf import latchkey
from accounts.exceptions import AccountsError, InvalidToken
from schema.permissions import Unauthenticated
from schema.types import Account, SignInMethod, SocialAccount, TokenSet


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
            'The path of the input field below `input`, such as `["email"]` or `["credential", "idToken"]`;'
            " `null` when it is about the whole."
        )
    )

    @classmethod
    def of(cls, failure: AccountsError) -> Self:
        """The domain's failure for the wire."""
        path = None if failure.field is None else [to_camel_case(name) for name in failure.field]
        return cls(code=AuthErrorCode[failure.code], message=str(failure.message), field=path)

    @classmethod
    def all_of(cls, error: AccountsError) -> list[Self]:
        """What an error gathers."""
        return [cls.of(failure) for failure in error.failures]


@strawberry.interface(
    description=(
        "A step between the first credential and the tokens. Kinds may be added: keep a default branch that shows the"
        " error's message."
    )
)
class AuthChallenge:
    """See the description."""

    token: str = strawberry.field(
        description=(
            "Hand it back as `challengeToken`. Opaque; bound to the client, scope and transport of the first call."
        )
    )
    expires_in: int = strawberry.field(description="Seconds until it expires.")


@strawberry.enum(description="A field of an account that a provider may leave out.")
class ProfileField(enum.Enum):
    """See the description."""

    EMAIL = strawberry.enum_value("email", description="The e-mail address.")
    USERNAME = strawberry.enum_value("username", description="The username.")
    FIRST_NAME = strawberry.enum_value("first_name", description="The given name.")
    LAST_NAME = strawberry.enum_value("last_name", description="The family name.")


@strawberry.type(description="What a provider told about a person.")
class ProfileSuggestion:
    """See the description."""

    email: str | None = strawberry.field(description="E-mail address.")
    username: str | None = strawberry.field(description="A free username.")
    first_name: str | None = strawberry.field(description="Given name.")
    last_name: str | None = strawberry.field(description="Family name.")


@strawberry.type(description="The provider left something out. Answer with `answerProfileChallenge`.")
class ProfileChallenge(AuthChallenge):
    """See the description."""

    token: str = strawberry.field(description="Hand it back as `challengeToken`.")
    missing: list[ProfileField] = strawberry.field(description="What has to be asked.")
    suggestion: ProfileSuggestion = strawberry.field(description="What the provider told, to fill the form with.")

    @classmethod
    def of(cls, challenge: challenges.ProfileChallenge) -> Self:
        """The domain's for the wire."""
        told = challenge.suggestion
        return cls(
            token=challenge.token,
            expires_in=challenge.expires_in,
            missing=[ProfileField(name) for name in challenge.missing],
            suggestion=ProfileSuggestion(
                email=told.email or None,
                username=told.username or None,
                first_name=told.first_name or None,
                last_name=told.last_name or None,
            ),
        )


@strawberry.type(
    description=(
        "An account with the provider's e-mail address exists. Sign in to it another way, then call `linkSocialAccount`"
        " with this token: the provider's credential is spent and not needed again."
    )
)
class LinkChallenge(AuthChallenge):
    """See the description."""

    token: str = strawberry.field(
        description=(
            "Hand it to `linkSocialAccount` as `challengeToken`. Works only for the account that it was made for."
        )
    )
    provider: str = strawberry.field(description="The provider that was used.")
    email: str = strawberry.field(description="The e-mail address that the provider vouched for.")
    sign_in_methods: list[SignInMethod] = strawberry.field(description="How that account can sign in.")

    @classmethod
    def of(cls, challenge: challenges.LinkChallenge) -> Self:
        """The domain's for the wire."""
        return cls(
            token=challenge.token,
            expires_in=challenge.expires_in,
            provider=challenge.provider,
            email=challenge.email,
            sign_in_methods=[SignInMethod[method.name] for method in challenge.sign_in_methods],
        )


def _challenge_of(error: AccountsError) -> AuthChallenge | None:
    match getattr(error, "challenge", None):
        case challenges.ProfileChallenge() as challenge:
            return ProfileChallenge.of(challenge)
        case challenges.LinkChallenge() as challenge:
            return LinkChallenge.of(challenge)
    return None


@strawberry.type(
    description=(
        "The outcome of every mutation that can sign in. Exactly one holds: `tokens` is set (signed in), or `errors`"
        " is not empty.\nWhere the sign-in can go on, `challenge` is set too and says how; its error carries the"
        " matching code and a message, so that a client that knows no challenges still shows something sensible."
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
    challenge: AuthChallenge | None = strawberry.field(
        default=None, description="What is still to be done before tokens are given."
    )
    errors: list[AuthError] = strawberry.field(
        default_factory=list, description="Why there are no tokens; empty when there are."
    )

    @classmethod
    def refused(cls, error: AccountsError) -> Self:
        """Failure, or a step more."""
        return cls(errors=AuthError.all_of(error), challenge=_challenge_of(error))

    @classmethod
    def signed_in(cls, account: models.Account, tokens: TokenSet, *, is_new_account: bool = False) -> Self:
        """Success."""
        return cls(tokens=tokens, account=account, is_new_account=is_new_account)  # type: ignore[arg-type]


@strawberry.type
class Payload:
    """What every outcome but AuthPayload has. Not a type of its own in the schema: those below inherit its field."""

    errors: list[AuthError] = strawberry.field(default_factory=list, description="Why it failed; empty otherwise.")

    @classmethod
    def refused(cls, error: AccountsError) -> Self:
        """Failure."""
        return cls(errors=AuthError.all_of(error))


@strawberry.type(description="The outcome of `revokeToken`.")
class RevokeTokenPayload(Payload):
    """See the description."""


@strawberry.type(description="A redirect that was prepared.")
class SocialAuthorization:
    """See the description."""

    url: str = strawberry.field(description="Send the browser there.")
    flow: str = strawberry.field(
        description="Keep it in `sessionStorage` and hand it back with the code. Opaque; used once."
    )
    expires_in: int = strawberry.field(description="Seconds until it expires.")


@strawberry.type(description="The outcome of `createSocialAuthUrl`.")
class CreateSocialAuthUrlPayload(Payload):
    """See the description."""

    authorization: SocialAuthorization | None = strawberry.field(
        default=None, description="Where to go; `null` on failure."
    )


@strawberry.type(description="A nonce for one sign-in.")
class SocialNonce:
    """See the description."""

    value: str = strawberry.field(
        description=(
            "Hand it, or its SHA-256 in hex where the SDK wants that (Apple), to the SDK; send this one to"
            " `convertSocialToken`."
        )
    )
    expires_in: int = strawberry.field(description="Seconds until it expires.")


@strawberry.type(description="The outcome of `createSocialNonce`.")
class CreateSocialNoncePayload(Payload):
    """See the description."""

    nonce: SocialNonce | None = strawberry.field(default=None, description="The nonce; `null` on failure.")


@strawberry.type(description="The outcome of `linkSocialAccount`.")
class LinkSocialAccountPayload(Payload):
    """See the description."""

    social_account: SocialAccount | None = strawberry.field(
        default=None, description="What is linked now; `null` on failure."
    )
    account: Account | None = strawberry.field(
        default=None, description="The account, with its list; `null` on failure."
    )


@strawberry.type(description="The outcome of `unlinkSocialAccount`.")
class UnlinkSocialAccountPayload(Payload):
    """See the description."""

    deleted_social_account_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id that is gone; `null` on failure."
    )
    account: Account | None = strawberry.field(
        default=None, description="The account, with its list; `null` on failure."
    )


class ExpectedFailures(FieldExtension):
    """Turns an AccountsError of the resolver into its payload."""

    def __init__(self, payload: type[AuthPayload | Payload]) -> None:
        self.payload = payload

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        """The payload, whatever happened."""
        try:
            return next_(source, info, **kwargs)
        except InvalidToken:
            # It ended while the resolver was at work.
            raise Unauthenticated from None
        except AccountsError as error:
            refusal = error
        if latchkey().development:
            hints = info.context.hints
            if not _selects_errors(info):
                codes = ", ".join(failure.code for failure in refusal.failures)
                hints.append(f"`{info.field_name}` failed with {codes}. Select `errors {{ code message }}`.")
            hints += [failure.hint for failure in refusal.failures if failure.hint]
        return self.payload.refused(refusal)


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

"""Types about tokens."""

from typing import Self

import strawberry

from accounts.tokens import api as bearer_tokens
from schema.language.described import described


@described
@strawberry.type
class TokenSet:
    """A pair of tokens (RFC 6749 §5.1)."""

    access_token: str = strawberry.field(description="Send it as `Authorization: Bearer …`. Opaque; keep it in memory.")
    token_type: str = strawberry.field(description="Always `Bearer`.")
    expires_in: int = strawberry.field(description="Seconds until the access token expires, from this response on.")
    scope: str = strawberry.field(description="The granted scopes, separated by spaces.")
    refresh_token: str | None = strawberry.field(
        description=("For `refreshToken`; works once. `null` with the COOKIE transport, where scripts never see it.")
    )
    refresh_token_expires_in: int = strawberry.field(
        description="Seconds until the refresh token expires if it is not used; also set with the COOKIE transport."
    )

    @classmethod
    def of(cls, tokens: bearer_tokens.TokenSet, *, with_refresh_token: bool) -> Self:
        """Map the domain's tokens; without the refresh token where it travels in a cookie (S51)."""
        return cls(
            access_token=tokens.access_token,
            token_type=tokens.token_type,
            expires_in=tokens.expires_in,
            scope=tokens.scope,
            refresh_token=tokens.refresh_token if with_refresh_token else None,
            refresh_token_expires_in=tokens.refresh_token_expires_in,
        )

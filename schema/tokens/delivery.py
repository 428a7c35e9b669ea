"""How tokens reach the client: the one place that knows the transports of a refresh token."""

from dataclasses import dataclass
from typing import Self

from accounts.people.models import Account
from accounts.tokens import api as bearer_tokens
from accounts.tokens.errors import TransportNotAllowed
from accounts.tokens.models import RefreshTokenTransport
from schema.request.context import ApiInfo
from schema.request.cookies import RefreshCookie, RememberedBrowserCookie
from schema.tokens.inputs import SignInInput
from schema.tokens.payloads import AuthPayload
from schema.tokens.types import TokenSet


@dataclass(frozen=True)
class Delivery:
    """How the refresh token of one call travels: in the answer, or in the browser's cookie (S51)."""

    cookie: RefreshCookie | None
    browser: RememberedBrowserCookie | None = None

    @classmethod
    def by(cls, transport: RefreshTokenTransport, info: ApiInfo, *, field: tuple[str, ...] | None = None) -> Self:
        """The delivery by this transport. Raises TransportNotAllowed, and never falls back to the other transport."""
        if transport == RefreshTokenTransport.BODY:
            return cls(cookie=None)
        if not info.context.cookie.allowed:
            raise TransportNotAllowed(field=field)
        return cls(cookie=info.context.cookie, browser=info.context.remembered_browser)

    def signed_in(
        self, account: Account, tokens: bearer_tokens.TokenSet, *, is_new_account: bool = False
    ) -> AuthPayload:
        """The outcome of a sign-in; sets the cookie if the refresh token travels in it, and that of its browser."""
        if self.cookie:
            self.cookie.set(tokens.refresh_token, seconds=tokens.refresh_token_expires_in)
        if self.browser and tokens.browser:
            self.browser.set(tokens.browser.value, seconds=tokens.browser.expires_in)
        return AuthPayload(
            tokens=TokenSet.of(tokens, with_refresh_token=self.cookie is None),
            account=account,  # type: ignore[arg-type]  # a row stands for its type
            is_new_account=is_new_account,
        )


def admit(sign_in: SignInInput, info: ApiInfo) -> tuple[bearer_tokens.ClientGrant, Delivery]:
    """The client with its scopes, and how its tokens travel: the first step of every mutation that signs in.

    Raises InvalidClient, InvalidScope, TransportNotAllowed, before anything else is done.
    """
    transport = sign_in.refresh_token_transport
    grant = bearer_tokens.authorize_client(
        client_id=sign_in.client_id or None,
        client_secret=sign_in.client_secret or None,
        scope=sign_in.scope or None,
        transport=RefreshTokenTransport[transport.name] if transport else None,
    )
    return grant, Delivery.by(grant.transport, info, field=("refresh_token_transport",))

"""One exchange with the OAuth server: the value that our code uses, and the request that DOT and oauthlib use."""

import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from oauthlib.common import Request

from accounts.shared.caller import Caller
from accounts.tokens.models import Client
from accounts.tokens.rotation import Pair

INTERNAL_URI = "https://internal.invalid/graphql"
"""oauthlib requires a URI; no client sees this one."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What a client presents, and what the validator finds for it."""

    client: Client | None = None
    """The client that is named. DOT leaves one here that showed a wrong secret."""
    authenticated: Client | None = None
    """The client that has shown who it is."""
    client_secret: str = field(default="", repr=False)
    caller: Caller = field(default_factory=Caller)

    pair: Pair | None = None
    """The pair that the trade of a refresh token has made."""
    holder: uuid.UUID | None = None
    """The account of the refresh token, traded or not."""
    cause: str = ""
    """Why the refresh token is refused (S74)."""

    @property
    def end_user(self) -> Caller:
        """The caller to record with the session: the one that a trusted client states, otherwise the client itself."""
        # Anybody can name a client (S64).
        client = self.authenticated
        trusted = client and client.states_end_user and client.client_type == Client.CLIENT_CONFIDENTIAL
        return self.caller.end_user if trusted and self.caller.end_user else self.caller


def oauthlib_request(exchange: Exchange) -> Any:
    """The exchange as a request to `/o/` would arrive at the validator. DOT and oauthlib read no other attributes."""
    parameters = {
        "client_id": exchange.client.client_id if exchange.client else "",
        "client_secret": exchange.client_secret,
    }
    request: Any = Request(INTERNAL_URI, "POST", {name: value for name, value in parameters.items() if value}, {})
    request.client = exchange.client
    request.exchange = exchange
    return request


def exchange_of(request: Any) -> Exchange:
    """The exchange of a request, also of one to `/o/`, whose headers are the WSGI environment."""
    exchange = getattr(request, "exchange", None) or Exchange(caller=Caller.of(request.headers))
    return replace(exchange, client=request.client)


def remember(request: Any, **found: Any) -> None:
    """Add what was found to the exchange of a request, for the hooks of the validator that run later."""
    request.exchange = replace(exchange_of(request), **found)

"""How grants run: limited, and with a record of each refusal."""

import contextlib
import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.db import router, transaction
from oauth2_provider.models import get_refresh_token_model
from oauthlib.common import Request
from oauthlib.oauth2 import InvalidGrantError, OAuth2Error

from accounts.errors import AccountsError
from accounts.guard import events, limits
from accounts.guard.errors import RateLimited
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.shared import metrics
from accounts.shared.caller import Caller
from accounts.tokens.exchange import Exchange, exchange_of
from accounts.tokens.rotation import AUTHORIZATION_CODE

REFUSALS = frozenset({"invalid_grant", "invalid_client", "invalid_scope", "unauthorized_client"})
"""The error codes of a refused attempt (RFC 6749 §5.2). The others are about the form of the request."""

Response = tuple[dict[str, str], str, int]
"""Headers, body and status."""


class LimitedGrant:
    """A grant that is limited as `refreshToken` is."""

    failure = EventType.SIGN_IN_FAILED

    def __init__(self, grant: Any) -> None:
        self.grant = grant

    def __getattr__(self, name: str) -> Any:
        return getattr(self.grant, name)

    def create_token_response(self, request: Request, token_handler: Any) -> Response:
        """As the grant; records a refusal. Raises RateLimited."""
        caller, client, validator = self._caller(request), request.client_id or "", self.grant.request_validator
        with (
            contextlib.suppress(_Refused),
            limited(caller, client=client, type_=self.failure, passes=lambda: validator.passes(request)),
        ):
            response = self._respond(request, token_handler)
            if _refusal_in(response):
                raise _Refused
        return response

    def _respond(self, request: Request, token_handler: Any) -> Response:
        try:
            response = self._answer(request, token_handler)
        except OAuth2Error as refusal:
            response = refusal.headers, refusal.json, refusal.status_code
        if error := _refusal_in(response):
            record_refusal(exchange_of(request), error, type_=self.failure)
        return response

    def _answer(self, request: Request, token_handler: Any) -> Response:
        raise NotImplementedError

    def _caller(self, request: Request) -> Caller:
        if exchange_of(request).caller.end_user is not None:
            # Only the word of a client that shows its secret counts (S64). oauthlib asks for it too late for this.
            self.grant.request_validator.authenticate_client(request)
        return exchange_of(request).end_user


class AtomicGrant(LimitedGrant):
    """A grant that validates and writes tokens in one transaction."""

    def _answer(self, request: Request, token_handler: Any) -> Response:
        with transaction.atomic(using=router.db_for_write(get_refresh_token_model())):
            response: Response = self.grant.create_token_response(request, token_handler)
        return response


class RefreshGrant(LimitedGrant):
    """Refreshes by `/o/token/`: oauthlib reads the request, and our rotation answers it."""

    failure = EventType.REFRESH_REFUSED

    def _answer(self, request: Request, token_handler: Any) -> Response:
        # Its last step is the validator's, which trades the token.
        self.grant.validate_token_request(request)
        pair = exchange_of(request).pair
        if pair is None:
            raise InvalidGrantError
        answer = {
            "access_token": pair.access_token,
            "expires_in": pair.expires_in,
            "token_type": pair.token_type,
            "scope": pair.scope,
            "refresh_token": pair.refresh_token,
        }
        return {}, json.dumps(answer), HTTPStatus.OK


class _Refused(AccountsError):
    """Makes the attempt count."""


@contextlib.contextmanager
def limited(
    caller: Caller,
    *,
    client: str,
    type_: EventType = EventType.REFRESH_REFUSED,
    passes: Callable[[], bool] = lambda: False,
) -> Iterator[None]:
    """Reserve an attempt to get tokens; one that succeeds gives it back. Records and raises RateLimited.

    Once there is none left, `passes` says whether it goes on without: neighbours behind one address, who make up
    tokens, must not sign out the others there (S53).
    """
    with contextlib.ExitStack() as reserved:
        try:
            reserved.enter_context(limits.attempt(Action.REFRESH, caller=caller, client=client))
        except RateLimited:
            if not passes():
                address = caller.ip_address or ""
                with events.failures(type_, subject=lambda: None, named=address, caller=caller):
                    raise
        yield


def record_refusal(exchange: Exchange, error: str, *, type_: EventType = EventType.REFRESH_REFUSED) -> None:
    """Record a refused exchange with its cause (S74): ours, or the OAuth error code. Call after its transaction."""
    if type_ is EventType.SIGN_IN_FAILED:
        metrics.SIGN_INS.labels(AUTHORIZATION_CODE, error).inc()
    events.record_failure(
        type_,
        subject=exchange.holder,
        client=exchange.client.client_id if exchange.client else "",
        caller=exchange.end_user,
        cause=exchange.cause or error,
    )


def _refusal_in(response: Response) -> str:
    """The error code in a response that refuses an attempt; empty in others."""
    _headers, body, status = response
    error = "" if status == HTTPStatus.OK else json.loads(body).get("error", "")
    return error if error in REFUSALS else ""

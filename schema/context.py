"""What a resolver may know of the request."""

from dataclasses import dataclass, field
from functools import cached_property

from accounts import bearer_tokens
from accounts.caller import Caller
from accounts.exceptions import BearerError, InvalidToken
from accounts.models import Account
from schema.cookies import RefreshCookie


@dataclass
class Context:
    """One operation: the Authorization header as it came, who calls, and the browser's cookie."""

    authorization: str | None
    caller: Caller
    cookie: RefreshCookie
    refusal: BearerError | None = None
    """Why the presented token was refused, for the view's `WWW-Authenticate`."""
    hints: list[str] = field(default_factory=list)
    """For developers, in the answer's `extensions`."""

    @cached_property
    def viewer(self) -> Account | None:
        """The signed-in account; None when no Bearer token is presented. Raises BearerError for a bad one."""
        bearer = bearer_tokens.authenticate(self.authorization)
        return bearer.account if bearer else None

    @property
    def presented_token(self) -> str | None:
        """The access token of the Authorization header, live or not; None where none can be read."""
        try:
            return bearer_tokens.presented_token(self.authorization)
        except InvalidToken:
            return None

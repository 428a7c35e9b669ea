"""What a resolver may know of the request."""

from dataclasses import dataclass, field
from functools import cached_property

from accounts import bearer_tokens
from accounts.bearer_tokens import Bearer
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
    def bearer(self) -> Bearer | None:
        """Whose token is presented, and to which client it was issued. Raises BearerError for a bad one."""
        return bearer_tokens.authenticate(self.authorization)

    @property
    def viewer(self) -> Account | None:
        """The signed-in account; None when no Bearer token is presented. Raises BearerError for a bad one."""
        return self.bearer.account if self.bearer else None

    @property
    def presented_token(self) -> str | None:
        """The access token of the Authorization header, live or not; None where none can be read."""
        try:
            return bearer_tokens.presented_token(self.authorization)
        except InvalidToken:
            return None

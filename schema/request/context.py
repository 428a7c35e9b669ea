"""What a resolver may know of the request."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from graphql import OperationDefinitionNode
from strawberry import Info

from accounts.guard import origin
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer
from accounts.tokens.errors import BearerError, InvalidToken
from schema.request.cookies import RefreshCookie, RememberedBrowserCookie
from schema.request.refusals import Unauthenticated

REFUSED = "refused"
"""What an operation is called that the gate does not let in."""


@dataclass
class Context:
    """What resolvers know of the request: the raw Authorization header, the caller, and the browser's cookies."""

    authorization: str | None
    find_caller: Callable[[], Caller]
    cookie: RefreshCookie
    remembered_browser: RememberedBrowserCookie
    refusal: BearerError | None = None
    """Why the presented token was refused, for the view's `WWW-Authenticate`."""
    retry_after: int = 0
    """Seconds after which the client may try again, for the view's `Retry-After`; 0 if it need not wait."""
    hints: list[str] = field(default_factory=list)
    """Sentences for developers, returned in `extensions`."""
    admitted: OperationDefinitionNode | None = None
    """The operation that the gate lets run. Nothing else runs (see `language.gate.AdmittedOnly`)."""
    operation: str = REFUSED
    """What the operation is called in metrics and traces, once the gate knows that it is valid."""
    failure: str = ""
    """The code of the first expected failure, if there was one."""

    @cached_property
    def caller(self) -> Caller:
        """Who asks, looked for when a resolver wants to know."""
        caller, browser = self.find_caller(), self.remembered_browser
        return replace(caller, browser_token=browser.token) if browser.token and browser.allowed else caller

    @cached_property
    def bearer(self) -> Bearer | None:
        """The account and client of the presented token; None without one. Raises BearerError for a bad one."""
        bearer = bearer_tokens.authenticate(self.authorization)
        if bearer is not None:
            # The one place that names the signed-in holder in security events.
            origin.acts(bearer.account.pk, client=bearer.client_name)
        return bearer

    @property
    def known_bearer(self) -> Bearer | None:
        """The bearer, for fields of payloads; None in @anonymous operations, which ignore the header."""
        return self.__dict__.get("bearer")

    @property
    def viewer(self) -> Account | None:
        """The signed-in account; None when no Bearer token is presented. Raises BearerError for a bad one."""
        return self.bearer.account if self.bearer else None

    def signed_in(self) -> Bearer:
        """The bearer, for fields that need one. Raises Unauthenticated without a token, BearerError for a bad one."""
        if self.bearer is None:
            raise Unauthenticated(self.authorization_hint)
        return self.bearer

    def wait(self, *seconds: int) -> None:
        """Ask the client to wait so long, or longer if it is already asked to."""
        self.retry_after = max(self.retry_after, *seconds)

    @property
    def authorization_hint(self) -> str:
        """Why an Authorization header was ignored, if it was; empty otherwise."""
        return bearer_tokens.hint_for(self.authorization)

    @property
    def presented_token(self) -> str | None:
        """The access token of the Authorization header, valid or not; None if there is none."""
        try:
            return bearer_tokens.presented_token(self.authorization)
        except InvalidToken:
            return None


ApiInfo = Info[Context, None]

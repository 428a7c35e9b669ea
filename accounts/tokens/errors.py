"""Failures about clients, scopes and tokens (RFC 6749 §5.2, RFC 6750 §3.1)."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountsError, Interruption


class InvalidGrant(AccountsError):
    """The refresh token is expired, revoked, already used or unknown: sign in again."""

    code = "INVALID_GRANT"
    default_message = _("Your session has ended. Sign in again.")


class InvalidClient(AccountsError):
    """The OAuth client is unknown, its secret is wrong or missing, or it may not do this."""

    code = "INVALID_CLIENT"
    default_message = _("This application is not allowed to sign you in.")


class InvalidScope(AccountsError):
    """A scope is unknown, not allowed for the client, or wider than before."""

    code = "INVALID_SCOPE"
    default_message = _("The requested scope is not allowed.")


class TransportNotAllowed(AccountsError):
    """The refresh token cannot travel as requested: the COOKIE transport needs a browser with an allowed Origin."""

    code = "TRANSPORT_NOT_ALLOWED"
    default_message = _("This page cannot keep you signed in with a cookie.")


class ReauthenticationRequired(AccountsError):
    """Prove again who you are with `reauthenticate`, then repeat the request."""

    code = "REAUTHENTICATION_REQUIRED"
    counts = False
    default_message = _("Confirm that it is you, then try again.")


class BearerError(Interruption):
    """The presented access token does not open this API."""

    error: ClassVar[str]

    def __init__(self, description: str) -> None:
        self.description = description
        super().__init__(description)


class InvalidToken(BearerError):
    """Malformed, unknown, expired or revoked, or its account is gone or disabled (RFC 6750 §3.1)."""

    error = "invalid_token"


class InsufficientScope(BearerError):
    """A good token, but not for this API (RFC 6750 §3.1)."""

    error = "insufficient_scope"

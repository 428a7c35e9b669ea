"""Every failure that a caller can be expected to cause, as one shallow tree.

AccountsError
├── ValidationFailed            several failures at once, one for each field
├── Required, TooLong, InvalidInput
├── EmailTaken, UsernameTaken
├── PasswordTooShort, PasswordTooLong, PasswordTooCommon, PasswordTooSimilar
├── InvalidCredentials, AccountDisabled
├── InvalidGrant, InvalidClient, InvalidScope, TransportNotAllowed
├── ProviderUnknown, CredentialNotSupported, ProviderRejected, ProviderUnavailable, RedirectUriNotAllowed
├── ChallengeRequired           the sign-in can go on
│   └── LinkRequired, ProfileRequired
├── InvalidChallenge
└── AlreadyLinked, LastSignInMethod, NotFound

BearerError                     the Authorization header does not open this API (RFC 6750 §3.1)
├── InvalidToken
└── InsufficientScope

Each leaf's `code` and docstring become one value of the GraphQL enum `AuthErrorCode`: the docstring is for users.
"""

from typing import ClassVar, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class AccountsError(Exception):
    """An expected failure with a stable code. `field` is the path of the input that caused it, None for the whole.

    `hint` is the cause, for developers: it is told in development only, and holds no secret.
    """

    code: ClassVar[str]
    default_message: ClassVar[str | Promise] = ""

    def __init__(
        self, message: str | Promise | None = None, *, field: tuple[str, ...] | None = None, hint: str = ""
    ) -> None:
        self.message = self.default_message if message is None else message
        self.field = field
        self.hint = hint
        super().__init__(str(self.message))

    @property
    def failures(self) -> "tuple[AccountsError, ...]":
        """The failures to report: itself, or what it gathers."""
        return (self,)

    def below(self, *path: str) -> Self:
        """The same, where the input that caused it stands deeper."""
        self.field = self.field and (*path, *self.field)
        return self


class ValidationFailed(AccountsError):
    """Several failures at once."""

    def __init__(self, failures: tuple[AccountsError, ...]) -> None:
        super().__init__("; ".join(str(failure.message) for failure in failures))
        self._failures = failures

    @property
    def failures(self) -> tuple[AccountsError, ...]:
        """What was gathered, in the order of the fields."""
        return self._failures


class InvalidCredentials(AccountsError):
    """E-mail, password or state of the account does not allow this sign-in; which of them is not told."""

    code = "INVALID_CREDENTIALS"
    default_message = _("The e-mail address or the password is not correct.")


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
    """The refresh token cannot travel as asked: the COOKIE transport needs a browser with an allowed Origin."""

    code = "TRANSPORT_NOT_ALLOWED"
    default_message = _("This page cannot keep you signed in with a cookie.")


class Required(AccountsError):
    """The field must not be empty."""

    code = "REQUIRED"
    default_message = _("This field is required.")


class TooLong(AccountsError):
    """The field is too long."""

    code = "TOO_LONG"
    default_message = _("This is too long.")


class InvalidInput(AccountsError):
    """The field's form is wrong, such as an e-mail address without `@`."""

    code = "INVALID_INPUT"
    default_message = _("This is not valid.")


class EmailTaken(AccountsError):
    """An account with this e-mail address exists."""

    code = "EMAIL_TAKEN"
    default_message = _("An account with this e-mail address already exists.")


class UsernameTaken(AccountsError):
    """An account with this username exists."""

    code = "USERNAME_TAKEN"
    default_message = _("An account with this username already exists.")


class PasswordTooShort(AccountsError):
    """The password is shorter than `passwordPolicy.minLength`."""

    code = "PASSWORD_TOO_SHORT"
    default_message = _("This password is too short.")


class PasswordTooLong(AccountsError):
    """The password is longer than `passwordPolicy.maxBytes`."""

    code = "PASSWORD_TOO_LONG"
    default_message = _("This password is too long.")


class PasswordTooCommon(AccountsError):
    """The password is on a list of common or leaked ones."""

    code = "PASSWORD_TOO_COMMON"
    default_message = _("This password is too common.")


class PasswordTooSimilar(AccountsError):
    """The password contains the name or the e-mail address."""

    code = "PASSWORD_TOO_SIMILAR"
    default_message = _("This password is too similar to your name or e-mail address.")


class ProviderUnknown(AccountsError):
    """The provider is not configured here."""

    code = "PROVIDER_UNKNOWN"
    default_message = _("This sign-in provider is not available here.")


class CredentialNotSupported(AccountsError):
    """This provider does not take this kind of credential."""

    code = "CREDENTIAL_NOT_SUPPORTED"
    default_message = _("This provider does not take this kind of credential.")


class ProviderRejected(AccountsError):
    """The credential is not valid, was not issued for this application, or was used before."""

    code = "PROVIDER_REJECTED"
    default_message = _("The provider did not confirm this sign-in. Try again.")


class ProviderUnavailable(AccountsError):
    """The provider did not answer properly in time: try again."""

    code = "PROVIDER_UNAVAILABLE"
    default_message = _("The provider did not answer. Try again later.")


class AccountDisabled(AccountsError):
    """The account is disabled. Told only to who has proven to be its holder by other means than a password."""

    code = "ACCOUNT_DISABLED"
    default_message = _("This account is disabled.")


class RedirectUriNotAllowed(AccountsError):
    """The redirect URI is not registered for the client."""

    code = "REDIRECT_URI_NOT_ALLOWED"
    default_message = _("This application may not be returned to at this address.")


class ChallengeRequired(AccountsError):
    """The sign-in can go on: `challenge` says how, where the caller may know."""

    def __init__(self, challenge: object | None = None) -> None:
        super().__init__()
        self.challenge = challenge


class ProfileRequired(ChallengeRequired):
    """The provider left out something that an account needs: see ProfileChallenge."""

    code = "PROFILE_REQUIRED"
    default_message = _("Tell us what the provider did not, to finish signing up.")


class LinkRequired(ChallengeRequired):
    """The address belongs to an account with other ways to sign in: see LinkChallenge."""

    code = "LINK_REQUIRED"
    default_message = _("An account with this e-mail address already exists. Sign in to it as you did before.")


class AlreadyLinked(AccountsError):
    """The social account is linked to another account."""

    code = "ALREADY_LINKED"
    default_message = _("This sign-in is linked to another account.")


class LastSignInMethod(AccountsError):
    """It is the only way left to sign in."""

    code = "LAST_SIGN_IN_METHOD"
    default_message = _("This is the only way left to sign in. Add another one first.")


class InvalidChallenge(AccountsError):
    """The challenge is unknown, answered or expired: begin again."""

    code = "INVALID_CHALLENGE"
    default_message = _("This took too long or was already finished. Begin again.")


class NotFound(AccountsError):
    """There is no such object, or it is not yours."""

    code = "NOT_FOUND"
    default_message = _("There is no such thing, or it is not yours.")


class BearerError(Exception):
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

"""The base class of expected failures, and the failures that several rooms share.

The others are in the `errors` modules of their rooms, direct subclasses of AccountsError. The `code` and docstring of
each become a value of the GraphQL enum `AuthErrorCode`: the docstring is public.

BearerError, in `tokens`, is not one of them but an Interruption: it reports a bad Authorization header (RFC 6750 §3.1).
"""

from typing import ClassVar, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class AccountsError(Exception):
    """An expected failure with a stable code. `field` is the path of the input that caused it, or None.

    `hint` is the cause, shown in development only. It must not contain a secret.
    """

    code: ClassVar[str]
    default_message: ClassVar[str | Promise] = ""
    counts: ClassVar[bool] = True
    """Whether the attempt counts against the limits. False if the caller is not to blame (see `guard.limits`)."""
    retry_after: int | None = None
    """Seconds until another attempt can succeed, if known."""

    def __init__(
        self, message: str | Promise | None = None, *, field: tuple[str, ...] | None = None, hint: str = ""
    ) -> None:
        self.message = self.default_message if message is None else message
        self.field = field
        self.hint = hint
        self.cause: str = getattr(type(self), "code", "")
        """The cause that the security event records for operators (S74): the code, or a more exact reason."""
        super().__init__(str(self.message))

    @property
    def failures(self) -> "tuple[AccountsError, ...]":
        """The failures to report: this one, or those it collects."""
        return (self,)

    def below(self, *path: str) -> Self:
        """Prefix `field` with the path of the input object that contains it."""
        self.field = self.field and (*path, *self.field)
        return self


class Interruption(Exception):
    """Ends a request early, for a reason that is no failed attempt: it does not count against the limits."""


class ValidationFailed(AccountsError):
    """Several failures at once."""

    def __init__(self, failures: tuple[AccountsError, ...]) -> None:
        super().__init__("; ".join(str(failure.message) for failure in failures))
        self._failures = failures

    @property
    def failures(self) -> tuple[AccountsError, ...]:
        """The collected failures, in the order of the fields."""
        return self._failures


class Required(AccountsError):
    """The field must not be empty."""

    code = "REQUIRED"
    default_message = _("This field is required.")


class TooLong(AccountsError):
    """The field is too long."""

    code = "TOO_LONG"
    default_message = _("This is too long.")


class InvalidInput(AccountsError):
    """The field has a wrong format, such as an e-mail address without `@`."""

    code = "INVALID_INPUT"
    default_message = _("This is not valid.")


class NotFound(AccountsError):
    """The object does not exist, or belongs to another account."""

    code = "NOT_FOUND"
    default_message = _("Not found.")


class InvalidChallenge(AccountsError):
    """The challenge is unknown, already answered or expired. Start over."""

    code = "INVALID_CHALLENGE"
    default_message = _("This took too long or was already finished. Please start over.")


class InvalidCode(AccountsError):
    """The code or link is wrong."""

    code = "INVALID_CODE"
    default_message = _("This code or link is not correct.")

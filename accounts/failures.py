"""Registers the failures of all rooms: the values of `AuthErrorCode`."""

from collections.abc import Iterator

from accounts.challenges import errors as challenges
from accounts.errors import AccountsError
from accounts.factors import errors as factors
from accounts.guard import errors as guard
from accounts.mails import errors as mails
from accounts.mfa import errors as mfa
from accounts.passwords import errors as passwords
from accounts.people import errors as people
from accounts.social import errors as social
from accounts.tokens import errors as tokens
from accounts.verification import errors as verification

__all__ = [
    "FAILURES",
    "challenges",
    "factors",
    "guard",
    "mails",
    "mfa",
    "passwords",
    "people",
    "social",
    "tokens",
    "verification",
]


def _leaves(kind: type[AccountsError]) -> Iterator[type[AccountsError]]:
    if "code" in vars(kind):
        yield kind
    for child in kind.__subclasses__():
        yield from _leaves(child)


FAILURES = tuple(sorted(_leaves(AccountsError), key=lambda failure: failure.code))
"""Every failure that has a code, sorted by code."""

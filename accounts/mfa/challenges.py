"""The steps of a sign-in that concern a second factor."""

from dataclasses import dataclass, field

from accounts.challenges import steps
from accounts.challenges.models import Challenge
from accounts.conf import latchkey
from accounts.factors.state import MfaMethod
from accounts.people.models import Account
from accounts.tokens.api import ClientGrant
from accounts.tokens.models import AuthenticationMethod

MFA, ENROLLMENT = "MFA", "MFA_ENROLLMENT"
"""The kinds of these challenges."""
EPOCH, METHODS, IS_NEW = "epoch", "methods", "is_new"
"""The keys of the account's session epoch, of what was shown so far, and of whether the sign-in made the account."""


@dataclass(frozen=True, kw_only=True)
class MfaChallenge:
    """A second factor is asked for; the duration is in seconds."""

    token: str = field(repr=False)
    expires_in: int
    methods: tuple[MfaMethod, ...]


@dataclass(frozen=True, kw_only=True)
class MfaEnrollmentChallenge:
    """A second factor must be set up; the duration is in seconds."""

    token: str = field(repr=False)
    expires_in: int
    methods: tuple[MfaMethod, ...]
    """What can be set up."""


def begin(
    kind: str, account: Account, *, grant: ClientGrant, methods: tuple[AuthenticationMethod, ...], is_new: bool
) -> tuple[str, int]:
    """Store the challenge of a sign-in of this account, whose row is locked; its token and lifetime in seconds."""
    data = {EPOCH: account.session_epoch, METHODS: list(methods), IS_NEW: is_new}
    return steps.create(kind, grant=grant, data=data, account=account), latchkey().challenge_lifetime


def shown(challenge: Challenge) -> tuple[AuthenticationMethod, ...]:
    """What the sign-in has shown so far."""
    return tuple(map(AuthenticationMethod, challenge.data[METHODS]))

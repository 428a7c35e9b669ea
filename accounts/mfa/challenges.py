"""The steps of a sign-in that concern a second factor."""

from dataclasses import dataclass, field

from django.db.models import QuerySet

from accounts.challenges import steps
from accounts.challenges.models import Challenge
from accounts.conf import latchkey
from accounts.errors import InvalidChallenge
from accounts.factors.state import MfaMethod
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.tokens.api import ClientGrant
from accounts.tokens.models import AuthenticationMethod

MFA, ENROLLMENT = "MFA", "MFA_ENROLLMENT"
"""The kinds of these challenges."""
CHALLENGE_TOKEN = ("challenge_token",)
EPOCH, METHODS, IS_NEW = "epoch", "methods", "is_new"
"""The keys of the account's session epoch, of what was shown so far, and of whether the sign-in made the account."""
SET_UP = "set_up"
"""The key of the factors that were set up through the challenge."""


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


def set_up(challenge: Challenge) -> tuple[AuthenticationMethod, ...]:
    """The factors that were set up through this challenge."""
    return tuple(map(AuthenticationMethod, challenge.data.get(SET_UP, [])))


def note(challenge: Challenge, factor: AuthenticationMethod) -> None:
    """Note that this factor was set up through the challenge, whose row is locked."""
    challenge.data = {**challenge.data, SET_UP: [*challenge.data.get(SET_UP, []), factor]}
    challenge.save(update_fields=["data"])


def holders(challenge: Challenge) -> QuerySet[Account]:
    """The account whose sign-in waits; empty if it is gone."""
    return Account.objects.filter(pk__in=[challenge.account_id] if challenge.account_id else [])


def locked_account(challenge: Challenge) -> Account:
    """Lock the account whose sign-in waits, until the transaction ends.

    Raises AccountDisabled; InvalidChallenge if its sessions have ended since the sign-in began (S82).
    """
    # `no_key`: see accounts.tokens.bearer.
    account = holders(challenge).select_for_update(no_key=True).first()
    if account is not None and not account.is_active:
        raise AccountDisabled
    if account is None or account.session_epoch != challenge.data[EPOCH]:
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    return account

"""Limits on attempts: reserved before any costly work, and given back when the attempt succeeds (S52).

Each action has lines: per account, per account and address, per address, per network, per client, and for all. Their
rates are the setting RATE_LIMITS. All lines of an action are reserved at once, or none. An address is an IPv4 address,
or the /64 network of an IPv6 address, which one person has for themselves. A network is the /48 of an IPv6 address:
who rents a server or an access often has 256 or 65,536 of the former.

Attempts from elsewhere do not lock the holder out (S53): an address from which the account signed in lately passes the
lines that they use up, and every line refills evenly.
"""

import ipaddress
import logging
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from django.conf import settings
from django.db import InterfaceError, OperationalError

from accounts.conf import latchkey
from accounts.errors import AccountsError, Interruption
from accounts.guard import hashing, store
from accounts.guard.errors import RateLimited
from accounts.guard.store import MICROSECONDS, Bucket, Empty, Pair
from accounts.shared import metrics
from accounts.shared.caller import Caller
from accounts.shared.keys import digests

log = logging.getLogger(__name__)


class Action(StrEnum):
    """The limited actions. Their default rates are in `accounts.conf.DEFAULT_RATE_LIMITS`."""

    SIGN_IN = "sign_in"
    REGISTER = "register"
    REFRESH = "refresh"
    CONVERT = "convert"
    CHALLENGE = "challenge"
    REAUTHENTICATE = "reauthenticate"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - a name
    UPDATE_ACCOUNT = "update_account"
    EXPORT = "export"
    MAIL = "mail"
    """Asking for a mail, to the address that is named."""
    CODE = "code"
    """Presenting a mailed code or link."""
    FACTOR = "factor"
    """Answering with a second factor, at a sign-in or to reauthenticate. It names the account by its address."""
    NOTICE = "notice"
    """A mail that nobody asked for."""


SUCCESSES_COUNT = frozenset({Action.REGISTER, Action.EXPORT, Action.MAIL, Action.NOTICE})
"""Actions that are limited however they end."""
HASHING = frozenset({Action.SIGN_IN, Action.REGISTER})
"""Actions whose line for all is a brake on hashing: what fails before a hash takes nothing from it (S53)."""
PROOFS = frozenset(
    {
        Action.SIGN_IN,
        Action.REGISTER,
        Action.REAUTHENTICATE,
        Action.CHANGE_PASSWORD,
        Action.CODE,
        Action.FACTOR,
    }
)
"""Actions whose success shows that the address is one of the account's holder: to all of them, as all name the account
by its canonical e-mail address."""


class Line(StrEnum):
    """The groups in which attempts are counted."""

    ACCOUNT = "account"
    ACCOUNT_ADDRESS = "account_address"
    ADDRESS = "address"
    NETWORK = "network"
    CLIENT = "client"
    GLOBAL = "global"
    SUCCESS = "success"


PASSED = frozenset({Line.ACCOUNT, Line.GLOBAL})
"""The lines that let an address pass from which the account signed in lately. Not those of addresses: who uses up that
of an office could find out there which accounts are known (S1)."""
SALT = "accounts.guard.limits"
DATABASE_AWAY = (OperationalError, InterfaceError)


@dataclass(frozen=True)
class Subjects:
    """Who attempts something: empty for nobody. Such lines fall away."""

    account: str
    address: str
    """As `network_of` says."""
    client: str

    def of(self, line: Line) -> tuple[str, ...]:
        """What identifies the bucket of a line."""
        match line:
            case Line.ACCOUNT | Line.SUCCESS:
                return (self.account,)
            case Line.ACCOUNT_ADDRESS:
                return (self.account, self.address)
            case Line.ADDRESS:
                return (self.address,)
            case Line.NETWORK:
                return (self._network,)
            case Line.CLIENT:
                return (self.client,)
            case Line.GLOBAL:
                return ()

    @property
    def _network(self) -> str:
        """The /48 of an IPv6 address; empty for others, whose neighbours are strangers."""
        if ":" not in self.address:
            return ""
        return str(ipaddress.ip_network(self.address).supernet(new_prefix=48))

    @property
    def pair(self) -> Pair | None:
        """The account and its address, as the store knows them."""
        if not self.account or not self.address:
            return None
        return Pair(_known(self.account), _digest("known", self.account, self.address))


@contextmanager
def attempt(
    action: Action, *, account: str = "", caller: Caller, client: str = "", proves: bool = True
) -> Iterator[None]:
    """Reserve an attempt for the body, which does the costly work; a body without AccountsError gives it back.

    An AccountsError that does not `count` gives it back too; one before a hash gives back the line for all, if that is
    a brake on hashing. `account` is what the attempt names: a canonical e-mail address in PROOFS, else the key of
    the signed-in account. `proves` is false for a part of a journey, whose success makes no address known. Raises
    RateLimited. Call outside a transaction.
    """
    subjects = Subjects(account=account, address=network_of(caller.ip_address), client=client)
    lines = dict(_lines(action, subjects))
    where, taken = store.take(list(lines.values()), subjects.pair)
    if isinstance(taken, Empty):
        line = taken.bucket.key.partition(":")[0]
        metrics.LIMITED.labels(action, line.partition(".")[2]).inc()
        # A line for each would make a flood dear.
        log.debug("refused an attempt: %s", line)
        raise RateLimited(retry_after=math.ceil(taken.microseconds / MICROSECONDS))
    hashes = hashing.count()

    def settle(*, success: bool) -> None:
        hashed = hashing.count() > hashes
        unspent = [
            bucket
            for line, bucket in lines.items()
            if bucket in taken.buckets and not _spends(action, line, success=success, hashed=hashed)
        ]
        pair = subjects.pair if success and proves and action in PROOFS else None
        if unspent or pair:
            store.give_back(where, unspent, pair)

    try:
        yield
    except AccountsError as error:
        if any(failure.counts for failure in error.failures):
            settle(success=False)
        else:
            store.give_back(where, taken.buckets, None)
        raise
    except (*DATABASE_AWAY, Interruption):
        store.give_back(where, taken.buckets, None)
        raise
    settle(success=True)


def _spends(action: Action, line: Line, *, success: bool, hashed: bool) -> bool:
    """Whether an attempt that ended so counts on this line."""
    if line is Line.SUCCESS:
        return success
    if success:
        return action in SUCCESSES_COUNT
    return hashed or line is not Line.GLOBAL or action not in HASHING


def remember(*, account: str, caller: Caller) -> None:
    """Remember that the holder of this e-mail address signed in from here by other means than `attempt` sees."""
    subjects = Subjects(account=account, address=network_of(caller.ip_address), client="")
    if pair := subjects.pair:
        store.remember(pair)


def forget(accounts: Iterable[str]) -> None:
    """Forget from where the holders of these e-mail addresses signed in."""
    store.forget([_known(account) for account in accounts])


def network_of(address: str | None) -> str:
    """The address that attempts are counted by; empty if it is nobody's (S73).

    Without a proxy in the settings, a private address is that of a proxy that the settings forgot.
    """
    if not address:
        return ""
    ip = ipaddress.ip_address(address)
    if not settings.TRUSTED_PROXIES and not ip.is_global:
        _tell_of_private_addresses()
        return ""
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)  # noqa: PLR2004


@cache
def _tell_of_private_addresses() -> None:
    """Tell operators once in each process."""
    if not latchkey().development:
        log.warning("requests come from a private address: set TRUSTED_PROXIES, or each address has no limits")


def _lines(action: Action, subjects: Subjects) -> Iterator[tuple[Line, Bucket]]:
    rates = latchkey().rate_limits
    # A known address passes the other lines only where it has one for itself.
    has_own_line = rates.get(f"{action}.{Line.ACCOUNT_ADDRESS}") is not None
    for line in Line:
        name, parts = f"{action}.{line}", subjects.of(line)
        rate = rates.get(name)
        if rate is not None and all(parts):
            known_pass = has_own_line and line in PASSED
            yield line, Bucket(f"{name}:{_digest(*parts)}", rate, known_pass=known_pass)


def _known(account: str) -> str:
    return _digest("known", account)


def _digest(*parts: str) -> str:
    """A keyed digest: the store holds no addresses, and services that share a Redis do not share limits.

    Under the first key only. A change of SECRET_KEY begins the counts anew (S90): nobody is refused by it.
    """
    return next(digests(SALT, "\0".join(parts))).hex()[:32]

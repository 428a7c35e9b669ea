"""Where attempts are counted: in Redis, which all processes share, or else in this process.

Each line of a limit is a token bucket, stored as the time at which it will be full again (the generic cell rate
algorithm). It refills evenly, so that no limit lasts for good (S53), and a store forgets a bucket once it is full.

If Redis is unavailable, this process counts alone, with the same limits (S56).
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from django.core.cache import caches

from accounts.conf import Rate
from accounts.shared import metrics
from accounts.shared.scripts import ScriptableCache, ScriptsUnavailable

log = logging.getLogger(__name__)

MOST_BUCKETS = 100_000
"""Buckets in memory, about 20 MB. Beyond that the one that was used least recently goes (S92)."""
MOST_KNOWN = 20_000
"""Accounts in memory whose addresses are known."""
KNOWN_FOR = 30 * 24 * 3600
"""Seconds for which an address of an account stays known."""
KNOWN_ADDRESSES = 10
"""How many addresses of an account are known, the newest first."""
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Bucket:
    """One line of a limit, for one account, address or client."""

    key: str
    rate: Rate
    known_pass: bool = False
    """Whether it lets the addresses pass from which the account signed in lately."""

    @property
    def interval(self) -> int:
        """Microseconds in which it gains one attempt."""
        return max(1, self.rate.seconds * MICROSECONDS // self.rate.attempts)

    @property
    def period(self) -> int:
        """Microseconds in which an empty one fills."""
        return self.rate.seconds * MICROSECONDS


@dataclass(frozen=True)
class Pair:
    """An account and an address, as a store remembers them."""

    account: str
    address: str


@dataclass(frozen=True)
class Taken:
    """An attempt was taken from these buckets."""

    buckets: tuple[Bucket, ...]


@dataclass(frozen=True)
class Empty:
    """Nothing was taken: this bucket was empty."""

    bucket: Bucket
    microseconds: int
    """Until all of them have an attempt again."""


class Store(Protocol):
    """Counts attempts."""

    def take(self, buckets: Sequence[Bucket], pair: Pair | None) -> Taken | Empty:
        """Take an attempt from all buckets or from none, at once."""

    def give_back(self, buckets: Sequence[Bucket], pair: Pair | None) -> None:
        """Give an attempt back to these buckets, and remember that the account signed in from the address."""

    def forget(self, accounts: Sequence[str]) -> None:
        """Forget the addresses of these accounts."""


class Memory:
    """Counts in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._full_at: OrderedDict[str, int] = OrderedDict()
        self._known: OrderedDict[str, OrderedDict[str, int]] = OrderedDict()

    def take(self, buckets: Sequence[Bucket], pair: Pair | None) -> Taken | Empty:
        """As Store."""
        now = _now()
        with self._lock:
            known = pair is not None and self._knows(pair, now)
            counted = [bucket for bucket in buckets if not (known and bucket.known_pass)]
            full_at = {bucket: max(self._full_at.get(bucket.key, 0), now) + bucket.interval for bucket in counted}
            late = {bucket: at - now - bucket.period for bucket, at in full_at.items()}
            worst = max(late, key=lambda bucket: late[bucket], default=None)
            if worst is not None and late[worst] > 0:
                return Empty(worst, late[worst])
            for bucket, at in full_at.items():
                self._full_at[bucket.key] = at
                self._full_at.move_to_end(bucket.key)
            self._forget(now)
            return Taken(tuple(counted))

    def give_back(self, buckets: Sequence[Bucket], pair: Pair | None) -> None:
        """As Store."""
        now = _now()
        with self._lock:
            for bucket in buckets:
                at = self._full_at.get(bucket.key, 0) - bucket.interval
                if at > now:
                    self._full_at[bucket.key] = at
                else:
                    self._full_at.pop(bucket.key, None)
            if pair is not None:
                known = self._known.setdefault(pair.account, OrderedDict())
                self._known.move_to_end(pair.account)
                known[pair.address] = now + KNOWN_FOR * MICROSECONDS
                known.move_to_end(pair.address)
                if len(known) > KNOWN_ADDRESSES:
                    known.popitem(last=False)
                if len(self._known) > MOST_KNOWN:
                    self._known.popitem(last=False)

    def forget(self, accounts: Sequence[str]) -> None:
        """As Store."""
        with self._lock:
            for account in accounts:
                self._known.pop(account, None)

    def _knows(self, pair: Pair, now: int) -> bool:
        addresses = self._known.get(pair.account)
        return addresses is not None and addresses.get(pair.address, 0) > now

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._full_at.clear()
            self._known.clear()

    def _forget(self, now: int) -> None:
        """Drop full buckets from the old end, a few at each call, and what is too much."""
        for _ in range(10):
            if not self._full_at:
                return
            key = next(iter(self._full_at))
            if self._full_at[key] > now and len(self._full_at) <= MOST_BUCKETS:
                return
            del self._full_at[key]


def _now() -> int:
    return time.monotonic_ns() // 1000


TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local known = false
if ARGV[1] ~= '' then
  local until_ = redis.call('ZSCORE', KEYS[1], ARGV[1])
  known = until_ and tonumber(until_) > now
end
local full_at, late, worst = {}, 0, 0
for i = 2, #KEYS do
  local interval, period, passes = tonumber(ARGV[3 * i - 4]), tonumber(ARGV[3 * i - 3]), ARGV[3 * i - 2]
  if not (known and passes == '1') then
    full_at[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now) + interval
    if full_at[i] - now - period > late then
      late, worst = full_at[i] - now - period, i
    end
  end
end
if worst > 0 then
  return {worst - 2, late}
end
local taken = {-1, 0}
for i = 2, #KEYS do
  if full_at[i] then
    redis.call('SET', KEYS[i], string.format('%.0f', full_at[i]), 'PX', math.ceil((full_at[i] - now) / 1000))
    table.insert(taken, i - 2)
  end
end
return taken
"""
"""KEYS: known addresses of the account, buckets. ARGV: the address; interval, period, known_pass of each bucket.

Returns the index of an empty bucket and its microseconds, or -1, 0, and the indexes of what was taken from. The time is
Redis's, since clocks of servers differ.
"""

GIVE_BACK = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i = 2, #KEYS do
  local full_at = tonumber(redis.call('GET', KEYS[i]) or 0) - tonumber(ARGV[i + 2])
  if full_at > now then
    redis.call('SET', KEYS[i], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
  else
    redis.call('DEL', KEYS[i])
  end
end
if ARGV[1] ~= '' then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2] * 1000000), ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[3] - 1)
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
"""
"""KEYS: known addresses of the account, buckets. ARGV: the address, seconds, most addresses; the buckets' intervals."""

FORGET = """
for i = 1, #KEYS do
  redis.call('DEL', KEYS[i])
end
"""
"""KEYS: known addresses of accounts."""


class Redis:
    """Counts in Redis: one round trip each way."""

    def __init__(self, cache: ScriptableCache) -> None:
        self._cache = cache

    def take(self, buckets: Sequence[Bucket], pair: Pair | None) -> Taken | Empty:
        """As Store. Raises ScriptsUnavailable."""
        arguments: list[str | int] = [pair.address if pair else ""]
        for bucket in buckets:
            arguments += [bucket.interval, bucket.period, int(bucket.known_pass)]
        worst, late, *taken = self._cache.run_script(TAKE, self._keys(buckets, pair), arguments)
        return Empty(buckets[worst], late) if worst >= 0 else Taken(tuple(buckets[index] for index in taken))

    def give_back(self, buckets: Sequence[Bucket], pair: Pair | None) -> None:
        """As Store. Raises ScriptsUnavailable."""
        arguments: list[str | int] = [pair.address if pair else "", KNOWN_FOR, KNOWN_ADDRESSES]
        arguments += [bucket.interval for bucket in buckets]
        self._cache.run_script(GIVE_BACK, self._keys(buckets, pair), arguments)

    def forget(self, accounts: Sequence[str]) -> None:
        """As Store. Raises ScriptsUnavailable."""
        self._cache.run_script(FORGET, [self._known(account) for account in accounts], [])

    def _keys(self, buckets: Sequence[Bucket], pair: Pair | None) -> list[str]:
        return [self._known(pair.account if pair else ""), *(f"{{guard}}:{bucket.key}" for bucket in buckets)]

    def _known(self, account: str) -> str:
        # The braces keep all keys on one server of a cluster, as a script requires.
        return f"{{guard}}:known:{account}"


@dataclass
class Fallback:
    """Whether Redis is unavailable, for the log."""

    away: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def counted_alone(self) -> None:
        """Count an attempt without Redis. The first one is logged."""
        metrics.COUNTED_ALONE.inc()
        with self._lock:
            first, self.away = not self.away, True
        if first:
            log.error("Redis is unavailable: until it is back, each process limits attempts by itself")

    def counted_together(self) -> None:
        """Note that Redis works."""
        if self.away:
            with self._lock:
                back, self.away = self.away, False
            if back:
                log.warning("Redis is back: attempts are limited across all processes again")


MEMORY = Memory()
FALLBACK = Fallback()


def take(buckets: Sequence[Bucket], pair: Pair | None) -> tuple[Store, Taken | Empty]:
    """Take an attempt, and say which store it was taken from."""
    cache = caches["default"]
    if isinstance(cache, ScriptableCache):
        shared = Redis(cache)
        try:
            result = shared.take(buckets, pair)
        except ScriptsUnavailable:
            FALLBACK.counted_alone()
        else:
            FALLBACK.counted_together()
            return shared, result
    return MEMORY, MEMORY.take(buckets, pair)


def give_back(store: Store, buckets: Sequence[Bucket], pair: Pair | None) -> None:
    """Give an attempt back to the store that it was taken from. If that is unavailable now, the attempt is lost."""
    try:
        store.give_back(buckets, pair)
    except ScriptsUnavailable:
        log.debug("an attempt could not be given back")


def remember(pair: Pair) -> None:
    """Remember that the account signed in from the address."""
    cache = caches["default"]
    give_back(Redis(cache) if isinstance(cache, ScriptableCache) else MEMORY, (), pair)


def forget(accounts: Sequence[str]) -> None:
    """Forget the addresses of these accounts, also those that this process remembered while Redis was away."""
    MEMORY.forget(accounts)
    cache = caches["default"]
    if isinstance(cache, ScriptableCache):
        try:
            Redis(cache).forget(accounts)
        except ScriptsUnavailable:
            log.warning("addresses that were known stay known: Redis is unavailable")

"""Attempts are limited before they cost anything, in Redis and in the process alike (S52, S53)."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import pytest
from django.db import OperationalError

from accounts.challenges.errors import ChallengeRequired
from accounts.conf import rate_limits
from accounts.errors import Required, ValidationFailed
from accounts.guard import hashing
from accounts.guard.errors import RateLimited
from accounts.guard.limits import Action, attempt, forget, remember
from accounts.passwords.errors import InvalidCredentials
from accounts.shared.caller import Caller
from accounts.social.errors import ProviderUnavailable
from accounts.tokens.errors import ReauthenticationRequired

ADA = "ada@example.com"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
PER_PAIR, PER_ACCOUNT, PER_ADDRESS = 10, 100, 20
"""Of sign-ins, at once."""

pytestmark = pytest.mark.usefixtures("behind_a_proxy", "counted")


@pytest.fixture
def behind_a_proxy(settings):
    """Addresses are those of clients."""
    settings.TRUSTED_PROXIES = 1


def tried(*, account=ADA, address=HOME, action=Action.SIGN_IN, error=InvalidCredentials, client="web", hashes=False):
    """What came of an attempt: the class of its error, seconds to wait, or None."""
    try:
        with attempt(action, account=account, caller=Caller(ip_address=address), client=client):
            with hashing.slot() if hashes else nullcontext():
                pass
            if error:
                raise error  # noqa: TRY301 - the body's
    except RateLimited as refusal:
        return refusal.retry_after
    except Exception as raised:  # noqa: BLE001 - whatever it is
        return type(raised)
    return None


def fail(times, **attempted):
    """So many failures, none of them refused."""
    assert [tried(**attempted) for _ in range(times)] == [attempted.get("error", InvalidCredentials)] * times


def use_up(account):
    """All attempts on the account, from addresses of others."""
    for number in range(PER_ACCOUNT):
        fail(1, account=account, address=f"203.0.113.{number}")


def test_failures_use_up_the_attempts_on_an_account_from_an_address():
    """S52: the next one is refused before anything is done, and says how long."""
    fail(PER_PAIR)
    reached = []

    with (
        pytest.raises(RateLimited) as refusal,
        attempt(Action.SIGN_IN, account=ADA, caller=Caller(ip_address=HOME)),
    ):
        reached.append("the body")

    assert refusal.value.retry_after == 360  # 10 in an hour
    assert reached == []


def test_a_success_costs_nothing():
    """S52: what counts is what fails."""
    fail(PER_PAIR - 1)

    assert [tried(error=None) for _ in range(50)] == [None] * 50


def test_attempts_under_way_count():
    """S52: reserved before the work and atomically, so that none slips through beside others."""
    begun, over = Counter(), threading.Event()

    def attempt_once(_number):
        try:
            with attempt(Action.SIGN_IN, account=ADA, caller=Caller(ip_address=HOME)):
                begun["admitted"] += 1
                over.wait(30)
        except RateLimited:
            begun["refused"] += 1
            if begun["refused"] == 40 - PER_PAIR:
                over.set()

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(attempt_once, range(40)))

    assert begun == {"admitted": PER_PAIR, "refused": 40 - PER_PAIR}
    fail(PER_PAIR)  # all were given back


def test_what_is_refused_by_one_line_is_taken_from_none():
    """S53: a flood from one address leaves the others their attempts on the account."""
    fail(PER_PAIR)
    assert all(isinstance(tried(), int) for _ in range(100))

    fail(PER_PAIR, address=ELSEWHERE)


def test_refused_attempts_do_not_prolong_the_wait(counted):
    """S53: the line refills evenly, whoever keeps knocking."""
    fail(PER_PAIR)
    for _ in range(5):
        assert isinstance(tried(), int)
    counted.advance(361)

    fail(1)
    assert isinstance(tried(), int)
    counted.advance(3600)
    fail(PER_PAIR)


def test_an_account_is_limited_from_all_addresses_together():
    """S52: guesses that are spread over many addresses."""
    for number in range(PER_ACCOUNT):
        fail(1, address=f"203.0.113.{number}")

    assert tried(address="203.0.113.200") == 36


def test_an_address_is_limited_on_all_accounts_together():
    """S52: one password tried on many accounts, known or not."""
    for number in range(PER_ADDRESS):
        fail(1, account=f"{number}@example.com")

    assert tried(account=ADA) == 90
    fail(1, account=ADA, address=ELSEWHERE)


def test_the_holder_gets_in_from_a_known_address_whatever_others_do():
    """S53: it has a line of its own, and the others do not hold it up."""
    assert tried(error=None) is None
    for number in range(PER_ACCOUNT):
        fail(1, address=f"203.0.113.{number}")
    assert isinstance(tried(address=ELSEWHERE), int)

    assert tried(error=None) is None
    fail(PER_PAIR)
    assert isinstance(tried(), int)


def test_nobody_can_ask_at_an_address_which_accounts_are_known_there():
    """S1: once its line is used up, it refuses attempts on all accounts alike."""
    assert tried(error=None) is None
    for number in range(PER_ADDRESS):
        fail(1, account=f"{number}@example.com")

    assert isinstance(tried(), int)
    assert isinstance(tried(account="grace@example.com"), int)


def test_a_failed_attempt_makes_no_address_known():
    """S53: nor does a success on another account."""
    fail(1)
    tried(account="mallory@example.com", error=None)
    for number in range(PER_ACCOUNT - 1):
        fail(1, address=f"203.0.113.{number}")

    assert isinstance(tried(), int)


def test_a_sign_in_by_other_means_makes_the_address_known():
    """S53: through a provider, say."""
    remember(account=ADA, caller=Caller(ip_address=HOME))
    for number in range(PER_ACCOUNT):
        fail(1, address=f"203.0.113.{number}")

    assert tried(error=None) is None


def test_the_addresses_of_an_account_can_be_forgotten():
    """S53: and those of no other."""
    for account in (ADA, "grace@example.com"):
        tried(account=account, error=None)
    forget([ADA, "nobody@example.com"])
    for account in (ADA, "grace@example.com"):
        use_up(account)

    assert isinstance(tried(), int)
    assert tried(account="grace@example.com", error=None) is None


def test_an_address_is_known_for_thirty_days(counted):
    """S53: it may be somebody else's by then."""
    tried(error=None)
    counted.advance(30 * 24 * 3600 + 1)
    for number in range(PER_ACCOUNT):
        fail(1, address=f"203.0.113.{number}")

    assert isinstance(tried(), int)


def test_few_addresses_of_an_account_are_known():
    """S92: the newest."""
    for number in range(11):
        tried(address=f"192.0.2.{number}", error=None)
    for number in range(PER_ACCOUNT):
        fail(1, address=f"203.0.113.{number}")

    assert isinstance(tried(address="192.0.2.0"), int)
    assert [tried(address=f"192.0.2.{number}", error=None) for number in range(1, 11)] == [None] * 10


def test_the_network_of_an_ipv6_address_counts():
    """S52: each subscriber has 2^64 addresses."""
    for number in range(PER_PAIR):
        fail(1, address=f"2001:db8:1:2::{number:x}")

    assert isinstance(tried(address="2001:db8:1:2:ffff::1"), int)
    fail(1, address="2001:db8:1:3::1")


def test_the_networks_of_one_customer_are_limited_together():
    """S52: a customer has a /48 at most. It may also hold many households, so it has ten times as many."""
    for number in range(10 * PER_ADDRESS):
        fail(1, account=f"{number}@example.com", address=f"2001:db8:1:{number:x}::1")

    assert tried(address="2001:db8:1:ffff::1") == 9
    fail(1, address="2001:db8:2::1")


@pytest.mark.parametrize("action", [Action.SIGN_IN, Action.REGISTER])
def test_what_fails_before_a_hash_takes_nothing_from_the_line_for_all(settings, action):
    """S53: else a few addresses would close it for everybody, at no cost."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits(f"{action}.global=3/1h"))
    for number in range(20):
        fail(1, action=action, account=f"{number}@example.com", address=f"203.0.113.{number}", error=Required)
    for number in range(3):
        assert tried(action=action, address=f"203.0.113.{number}", hashes=True) is InvalidCredentials

    assert isinstance(tried(action=action, address=ELSEWHERE), int)


def test_without_a_proxy_a_private_address_is_nobodys(settings):
    """S73: what all clients share limits none of them, and the account's line stays."""
    settings.TRUSTED_PROXIES = 0
    for number in range(2 * PER_ADDRESS):
        fail(1, account=f"{number}@example.com", address="10.0.0.1")
    fail(PER_ACCOUNT, address="10.0.0.1")

    assert isinstance(tried(address="10.0.0.1"), int)


@pytest.mark.parametrize("address", [None, "127.0.0.1", "::1", "10.1.2.3", "fd00::1", "100.64.0.1", "169.254.0.1"])
def test_nobodys_addresses(settings, address):
    """S73: of this machine, of private networks, of carriers, or none at all."""
    settings.TRUSTED_PROXIES = 0

    fail(PER_PAIR + 1, address=address)


def test_without_a_proxy_a_public_address_counts(settings):
    """S73: it is the client's own."""
    settings.TRUSTED_PROXIES = 0
    fail(PER_PAIR, address="8.8.8.8")

    assert isinstance(tried(address="8.8.8.8"), int)


@pytest.mark.parametrize(("action", "account"), [(Action.REGISTER, 10), (Action.EXPORT, 5)])
def test_some_actions_are_limited_however_they_end(action, account):
    """S56: many accounts and many copies are abuse too."""
    assert [tried(action=action, error=None) for _ in range(account)] == [None] * account

    assert isinstance(tried(action=action, error=None), int)


@pytest.mark.parametrize(
    ("action", "most"),
    [(Action.SIGN_IN, 300), (Action.REAUTHENTICATE, 60), (Action.CHANGE_PASSWORD, 20), (Action.UPDATE_ACCOUNT, 60)],
)
def test_successes_on_one_account_have_a_line_of_their_own(action, most):
    """S58: each is an event, and who knows the password must not fill the disk with them, at a known address either."""
    assert [tried(action=action, error=None) for _ in range(most)] == [None] * most

    assert isinstance(tried(action=action, error=None), int)
    assert tried(action=action, error=None, account="grace@example.com") is None


def test_failures_take_nothing_from_the_line_of_successes(settings):
    """S53: else others could use it up."""
    limits = rate_limits("sign_in.account=off,sign_in.success=3/1h")
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=limits)
    for number in range(20):
        fail(1, address=f"203.0.113.{number}")

    assert [tried(error=None) for _ in range(3)] == [None] * 3


@pytest.mark.parametrize("action", [Action.REFRESH, Action.CONVERT, Action.CHALLENGE])
def test_other_actions_may_succeed_as_often_as_they_like(action):
    """S52."""
    assert [tried(action=action, error=None) for _ in range(110)] == [None] * 110


@pytest.mark.parametrize("action", Action)
def test_every_action_is_limited(action):
    """S56: 500 failures of one address are too many for any."""
    outcomes = [tried(action=action) for _ in range(500)]

    assert isinstance(outcomes[-1], int)


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailable,
        ChallengeRequired,
        ReauthenticationRequired,
        OperationalError,
        ValidationFailed((ProviderUnavailable(), ChallengeRequired())),
    ],
)
def test_what_is_not_the_callers_fault_costs_nothing(error):
    """S52: the provider or the database is away, or the credential was right."""
    kind = error if isinstance(error, type) else type(error)

    assert [tried(error=error) for _ in range(PER_PAIR + 5)] == [kind] * (PER_PAIR + 5)


def test_a_refusal_in_the_body_costs_nothing():
    """S92: no slot for hashing was free."""
    assert [tried(error=RateLimited(retry_after=3)) for _ in range(PER_PAIR + 5)] == [3] * (PER_PAIR + 5)
    fail(PER_PAIR)


@pytest.mark.parametrize("error", [ZeroDivisionError, ValidationFailed((ProviderUnavailable(), Required()))])
def test_other_errors_count(error):
    """S52: who finds a fault of ours does not get attempts for it."""
    kind = error if isinstance(error, type) else type(error)
    fail(PER_PAIR, error=kind) if kind is error else [tried(error=error) for _ in range(PER_PAIR)]

    assert isinstance(tried(), int)


def test_lines_of_an_action_can_be_set(settings):
    """A client's own line, say."""
    limits = rate_limits("sign_in.client=3/1m,sign_in.account=off")
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=limits)
    for number in range(3):
        fail(1, account=f"{number}@example.com", address=f"203.0.113.{number}")

    assert tried() == 20
    fail(1, client="ios")


def test_without_a_line_of_its_own_a_known_address_passes_no_other(settings):
    """S52: else nothing would limit it."""
    limits = rate_limits("sign_in.account_address=off")
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=limits)
    tried(error=None)
    fail(PER_ADDRESS)

    assert isinstance(tried(), int)


def test_a_store_names_nobody(counted):
    """The keys are keyed digests, and so are the values."""
    fail(1)
    tried(error=None)

    kept = "".join(counted.keys())
    assert kept
    assert not any(part in kept for part in ("ada@", "example", "192.0.2", "web"))


def test_services_that_share_a_redis_do_not_share_limits(settings):
    """Each has its own SECRET_KEY."""
    fail(PER_PAIR)
    settings.SECRET_KEY = "another" * 10

    fail(PER_PAIR)

"""S92: what has failed is left alone for a while, then tried by one."""

import pytest

from accounts.shared import circuit_breaker
from accounts.shared.circuit_breaker import CircuitBreaker


@pytest.fixture
def clock(monkeypatch):
    """A clock to set: `clock[0]`."""
    now = [1000.0]
    monkeypatch.setattr(circuit_breaker.time, "monotonic", lambda: now[0])
    return now


def test_what_works_is_called(clock):
    """Always."""
    breaker = CircuitBreaker(seconds=5)
    breaker.succeeded("a")

    assert [breaker.allows("a") for _ in range(3)] == [True] * 3


def test_what_failed_is_not_called_for_some_seconds(clock):
    """And nothing else suffers for it."""
    breaker = CircuitBreaker(seconds=5)
    breaker.failed("a")

    clock[0] += 4.9
    assert not breaker.allows("a")
    assert breaker.allows("b")


def test_one_call_tries_again(clock):
    """The others wait for its outcome: another five seconds if it fails, and if nobody hears of it."""
    breaker = CircuitBreaker(seconds=5)
    breaker.failed("a")

    for _ in range(3):
        clock[0] += 5
        assert [breaker.allows("a") for _ in range(3)] == [True, False, False]

    breaker.succeeded("a")
    assert [breaker.allows("a") for _ in range(3)] == [True] * 3


def test_what_nobody_calls_any_more_is_forgotten(clock):
    """Memory is not for whoever makes up names."""
    breaker = CircuitBreaker(seconds=5)
    for number in range(100):
        breaker.failed(number)
        clock[0] += 1

    assert len(breaker._retry_at) <= 5

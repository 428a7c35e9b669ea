"""Few threads hash at once, others wait a little, and the rest are told to come back (S92)."""

import os
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.contrib.auth.hashers import check_password, make_password

from accounts.guard import hashing
from accounts.guard.errors import RateLimited
from accounts.guard.hashing import slot
from accounts.shared import hash_slots, hashers
from accounts.shared.hash_slots import Slots
from tests.project.test_settings import loaded

PATIENT = 30
"""Seconds after which a test gives up."""


@pytest.fixture
def slots(settings):
    """Two slots, and one place to wait, in this test's own threads."""
    settings.LATCHKEY = replace(settings.LATCHKEY, hashing_slots=2, hashing_queue=1)
    hash_slots._slots.cache_clear()
    yield
    hash_slots._slots.cache_clear()


class Holder(threading.Thread):
    """A thread that holds a slot, or waits for one, until it is told to go."""

    def __init__(self):
        super().__init__()
        self.holds, self.leave = threading.Event(), threading.Event()
        self.refused = False

    def run(self):
        """Ask for a slot."""
        try:
            with slot():
                self.holds.set()
                self.leave.wait(PATIENT)
        except RateLimited:
            self.refused = True

    @classmethod
    def holding(cls):
        """One that holds a slot."""
        holder = cls()
        holder.start()
        assert holder.holds.wait(PATIENT)
        return holder

    @classmethod
    def waiting(cls):
        """One that waits for a slot."""
        holder = cls()
        holder.start()
        places = hash_slots.slots()._places
        while places._value:
            os.sched_yield()
        return holder

    def end(self):
        """It goes."""
        self.leave.set()
        self.join(PATIENT)


def test_the_rest_are_refused_at_once(slots):
    """S92: with both slots and the place to wait taken, nobody else waits; the wait told is short."""
    holders = [Holder.holding(), Holder.holding(), Holder.waiting()]

    for _ in range(20):
        with pytest.raises(RateLimited) as refusal, slot():
            pytest.fail("a third slot")
        assert 1 <= refusal.value.retry_after <= hashing.LATEST_RETRY

    for holder in holders:
        holder.end()
    assert [holder.refused for holder in holders] == [False] * 3


def test_who_waits_gets_the_next_slot(slots):
    """As soon as it is free."""
    first, second, third = Holder.holding(), Holder.holding(), Holder.waiting()
    assert not third.holds.is_set()

    first.end()

    assert third.holds.wait(PATIENT)
    second.end()
    third.end()


def test_nobody_waits_longer_than_two_seconds(slots, monkeypatch):
    """S92: shortened here."""
    assert hashing.LONGEST_WAIT == 2
    monkeypatch.setattr(hashing, "LONGEST_WAIT", 0.01)
    holders = [Holder.holding(), Holder.holding()]

    with pytest.raises(RateLimited), slot():
        pytest.fail("a third slot")

    for holder in holders:
        holder.end()
    with slot():  # nothing is lost
        pass


def test_a_thread_needs_one_slot(slots):
    """However deep it asks: rehashing within a sign-in, say."""
    with slot(), slot(), slot():
        make_password("a")
        Holder.holding().end()
        with pytest.raises(ZeroDivisionError), slot():
            raise ZeroDivisionError
        holders = [Holder.holding(), Holder.waiting()]

    assert holders[1].holds.wait(PATIENT)
    for holder in holders:
        holder.end()


def test_a_slot_is_free_again_after_an_error(slots):
    """S92: a fault must not use them up."""
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), slot():
            raise ZeroDivisionError

    with slot():
        Holder.holding().end()


def test_commands_hash_without_a_slot(slots):
    """They and the staff are never refused, even while all slots are taken."""
    holders = [Holder.holding(), Holder.holding(), Holder.waiting()]

    encoded = make_password("correct horse")
    assert check_password("correct horse", encoded)
    assert not check_password("wrong horse", encoded)

    for holder in holders:
        holder.end()


@pytest.mark.parametrize("work", ["encode", "verify", "hash_at_cost"])
def test_hashes_are_computed_in_the_slots_threads(slots, monkeypatch, work):
    """S92: of 20 threads at once, at most two compute."""
    at_once, most, lock = Counter(), [0], threading.Lock()
    encoded = make_password("right")

    def watched(function):
        def watch(*args, **kwargs):
            with lock:
                at_once["now"] += 1
                most[0] = max(most[0], at_once["now"])
            try:
                assert threading.current_thread().name.startswith("hashing")
                return function(*args, **kwargs)
            finally:
                with lock:
                    at_once["now"] -= 1

        return watch

    base = hashers.Argon2PasswordHasher
    monkeypatch.setattr(base, "encode", watched(base.encode))
    monkeypatch.setattr(base, "verify", watched(base.verify))
    calls = {
        "encode": lambda _: make_password("right"),
        "verify": lambda _: check_password("right", encoded),
        "hash_at_cost": lambda _: hashers.hash_at_cost("right", "m=8,t=1,p=1"),
    }

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(calls[work], range(60)))

    assert 1 <= most[0] <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no niceness of their own")
def test_hashes_yield_to_other_requests(slots):
    """S92: their threads are nicer than the others; this one keeps its place."""
    mine = os.getpriority(os.PRIO_PROCESS, 0)

    theirs = hash_slots.slots().run(os.getpriority, os.PRIO_PROCESS, 0)

    assert theirs == min(mine + hash_slots.NICENESS, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_process_hashes_in_threads_of_its_own(slots):
    """The parent's threads do not exist there, and would be waited for for good."""
    make_password("in the parent")
    child = os.fork()
    if not child:
        hashed = make_password("in the child")
        os._exit(0 if check_password("in the child", hashed) else 1)

    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("cores", "workers", "threads", "slots", "queue"),
    [(2, 1, 8, 1, 3), (2, 2, 8, 1, 3), (8, 1, 8, 2, 2), (8, 2, 16, 3, 5), (64, 4, 16, 4, 4), (1, 1, 1, 1, 0)],
)
def test_hashing_has_its_share_of_processors_and_threads(monkeypatch, cores, workers, threads, slots, queue):
    """S92: a processor is left, and half of the threads."""
    monkeypatch.setattr(os, "cpu_count", lambda: cores)

    own = loaded(WORKERS=str(workers), THREADS=str(threads), CACHE_URL="redis://127.0.0.1/1")["LATCHKEY"]

    assert (own.hashing_slots, own.hashing_queue) == (slots, queue)


def test_slots_of_the_settings_leave_the_queue_its_share():
    """S92: what is set counts, and waiting takes what is left of half of the threads."""
    own = loaded(THREADS="16", HASHING_SLOTS="6")["LATCHKEY"]

    assert (own.hashing_slots, own.hashing_queue) == (6, 2)


def test_slots_are_made_once():
    """Not at each hash."""
    assert hash_slots.slots() is hash_slots.slots()
    assert isinstance(hash_slots.slots(), Slots)

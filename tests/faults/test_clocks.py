"""Two instances whose clocks differ by 90 seconds serve the same clients."""

import datetime as dt
import itertools
from collections.abc import Iterator

import pytest
import time_machine

from accounts.shared import clock
from tests.api import ME, REFRESH, REGISTER
from tests.faults import rig
from tests.faults.conftest import as_installed, pooled
from tests.faults.people import person


@pytest.fixture(scope="module")
def ahead_and_right(workplace, servers) -> Iterator[list[rig.Instance]]:
    """Two instances; the clock of the first is 90 seconds ahead."""
    database, cache = servers
    environment = rig.production(database=database.url, cache=cache.url, WORKERS="1")
    with as_installed(), rig.instances(workplace / "clocks", environment, number=2, clocks=(90,)) as pair:
        yield pair


ORDERS = list(itertools.permutations(range(2)))


@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_a_refresh_that_is_repeated_elsewhere_gets_the_same_pair(ahead_and_right, first, second):
    """Two tabs that refresh at once: the grace of 10 seconds is the same on both, and the session lives on."""
    here, there = ahead_and_right[first], ahead_and_right[second]
    began = rig.ask(here, REGISTER, input=person()).data["register"]["tokens"]
    once = rig.ask(here, REFRESH, input={"refreshToken": began["refreshToken"]}).data["refreshToken"]["tokens"]
    used = rig.ask(here, ME, token=once["accessToken"]).data["me"]
    again = rig.ask(there, REFRESH, input={"refreshToken": began["refreshToken"]}).data["refreshToken"]

    assert used
    assert again["errors"] == []
    assert again["tokens"]["accessToken"] == once["accessToken"]


COMPARE = clock.compare
"""Which tests replace."""


@pytest.fixture
def forgotten(own_clock, monkeypatch) -> None:
    """Nothing is known of the database's clock, which is asked; what the test learns is forgotten."""
    monkeypatch.setattr(clock, "compare", COMPARE)
    monkeypatch.setattr(clock._Offset, "value", dt.timedelta(0))
    monkeypatch.setattr(clock._Offset, "compared_at", None)


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [90, -90])
@pytest.mark.usefixtures("forgotten")
def test_a_clock_that_is_set_while_the_service_runs_is_noticed_at_the_next_request(seconds):
    """By NTP, or by an administrator: the connections of the pool live on."""

    def request() -> None:
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
        wrapper.close()

    right = dt.datetime.now(dt.UTC)
    with pooled() as wrapper:
        request()
        with time_machine.travel(right + dt.timedelta(seconds=seconds), tick=True):
            request()
            told = clock.now()
            assert clock.is_compared()

    assert abs(told - right) < dt.timedelta(seconds=10)

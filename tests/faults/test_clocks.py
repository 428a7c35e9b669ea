"""Two instances whose clocks differ by 90 seconds serve the same clients."""

import itertools
from collections.abc import Iterator

import pytest

from tests.api import ME, REFRESH, REGISTER
from tests.faults import rig
from tests.faults.conftest import as_installed
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

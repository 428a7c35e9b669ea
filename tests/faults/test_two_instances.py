"""Two instances behind a real proxy with TLS, with the configurations of deploy/, under load."""

import time
from collections import Counter

import pytest

from tests.faults import rehearsal, rig
from tests.faults.conftest import as_installed
from tests.faults.load import load


@pytest.fixture(params=sorted(rig.PROXIES), scope="module")
def deployment(request, workplace, servers):
    """Behind each proxy."""
    database, cache = servers
    environment = rig.production(database=database.url, cache=cache.url, WORKERS="1", SHUTDOWN_DELAY="3")
    home = workplace / request.param
    with (
        as_installed(),
        rig.instances(home, environment, number=2) as instances,
        rig.proxy(home, request.param, [instance.port for instance in instances]) as proxy,
    ):
        yield rig.Deployment(database, None, cache, instances, proxy)


def test_a_rolling_restart_fails_no_call_and_loses_no_session(deployment):
    """S18, S68: one instance after the other drains, ends, and starts."""
    with load(deployment.proxy.port, deployment.proxy.trust(), clients=4) as taken:
        time.sleep(1)
        rehearsal.rolling_restart(deployment)
        record = taken()

    assert (record.kinds(), record.lost) == (Counter(), [])
    assert len(record.calls) > 50


def test_an_instance_that_is_gone_loses_no_session(deployment):
    """The other one serves all; only calls that were under way fail, and the clients repeat them."""
    gone = deployment.instances[0]
    with load(deployment.proxy.port, deployment.proxy.trust(), clients=4) as taken:
        time.sleep(1)
        gone.kill_all()
        time.sleep(3)
        taken()
        time.sleep(2)
        record = taken()
    gone.start()

    assert (record.kinds(), record.lost) == (Counter(), [])
    assert len(record.calls) > 10

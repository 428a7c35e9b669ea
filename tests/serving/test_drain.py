"""SIGTERM: first the service is not ready, then it serves on for a while, then it stops; and no request is lost."""

import gc
import http.client
import os
import signal
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from project import gunicorn
from tests.serving.load import Load, asked
from tests.serving.servers import started
from tests.tools import await_that

DELAY = 3


def test_at_sigterm_the_service_is_not_ready_and_serves_on(tmp_path):
    """Each worker knows it at once; connections that are kept alive are told to close."""
    with started(tmp_path, WORKERS="2", SHUTDOWN_DELAY=str(DELAY)) as service:
        kept = http.client.HTTPConnection(urlsplit(service.url).netloc)
        asked(kept)
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        await_that(lambda: service.probe()[0] == 503)
        probes = [service.probe() for _ in range(20)]
        told = asked(kept)
        alive, served = service.probe("/healthz"), [service.ask() for _ in range(10)]
        code = service.process.wait(30)
        took = time.monotonic() - began

    assert probes == [(503, {"status": "draining", "checks": {}})] * 20
    assert told == (200, "close")
    assert (alive, served) == ((200, {"status": "ok"}), [200] * 10)
    assert code == 0
    assert took > DELAY


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_second_signal_stops_at_once(tmp_path, second):
    """Whoever sends it does not want to wait for an hour."""
    with started(tmp_path, SHUTDOWN_DELAY="600") as service:
        service.process.send_signal(signal.SIGTERM)
        await_that(lambda: service.probe()[0] == 503)
        service.process.send_signal(second)

        assert service.process.wait(10) == 0


def test_a_worker_that_dies_while_the_service_drains_is_replaced(tmp_path):
    """The master goes on to look after its workers."""
    with started(tmp_path, SHUTDOWN_DELAY="600") as service:
        service.process.send_signal(signal.SIGTERM)
        await_that(lambda: service.probe()[0] == 503)
        (worker,) = service.workers()
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        await_that(lambda: service.workers() not in ([worker], []))

        assert service.probe()[0] == 503
        service.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("delay", [0, 1])
def test_sigterm_under_load_loses_no_request(tmp_path, delay):
    """S92: twelve clients for eight threads. Without a delay, connections that wait to be accepted are served too."""
    with started(tmp_path, WORKERS="2", THREADS="4", SHUTDOWN_DELAY=str(delay)) as service:
        load, stop = Load(service), threading.Event()
        clients = [threading.Thread(target=load.run, args=[stop]) for _ in range(12)]
        for client in clients:
            client.start()
        await_that(lambda: len(load.statuses) > 50)
        before = len(load.statuses)
        service.process.send_signal(signal.SIGTERM)
        code = service.process.wait(30)
        stop.set()
        for client in clients:
            client.join()

    assert load.lost == []
    assert set(load.statuses) == {200}
    assert len(load.statuses) > before
    assert code == 0


def test_what_is_loaded_is_no_garbage_of_a_process_that_ends():
    """A worker that stops would go through all of it, for half a second of CPU."""
    try:
        gunicorn.when_ready(None)

        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()

"""kill -9 of a worker and of the master, and the start."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.live import ROOT, environment_of_service, free_port, fresh_database
from tests.serving.load import Load
from tests.serving.servers import PRODUCTION, QUERY, Service, operation, running, started
from tests.tools import await_that
from tests.wire import parsed


def test_a_worker_that_is_killed_takes_its_own_requests_along_only(tmp_path):
    """The others serve on, and another takes its place."""
    with started(tmp_path, WORKERS="2", THREADS="4") as service:
        await_that(lambda: len(service.workers()) == 2)
        load, stop = Load(service), threading.Event()
        clients = [threading.Thread(target=load.run, args=[stop]) for _ in range(8)]
        for client in clients:
            client.start()
        await_that(lambda: len(load.statuses) > 50)
        killed, other = service.workers()
        os.kill(killed, signal.SIGKILL)
        await_that(lambda: len({*service.workers()} - {killed}) == 2)
        served = len(load.statuses)
        await_that(lambda: len(load.statuses) > served + 50)
        stop.set()
        for client in clients:
            client.join()
        assert other in service.workers()
        assert service.log.read_text().count("was sent SIGKILL") == 1

    assert set(load.statuses) == {200}
    assert len(load.lost) <= 8  # one of each client, if all were with the worker that was killed


def test_the_workers_of_a_master_that_is_killed_finish_and_free_the_port(tmp_path):
    """A request that is on its way is served, and a new master may have the port at once."""
    with started(tmp_path, WORKERS="2") as service:
        await_that(lambda: len(service.workers()) == 2)
        service.ask()
        workers = service.workers()
        with service.connect() as connection, service.connect():
            connection.sendall(operation()[: -len(QUERY)])
            time.sleep(0.2)
            os.kill(service.process.pid, signal.SIGKILL)
            began = time.monotonic()
            await_that(lambda: is_free(service.environment["PORT"]))
            took = time.monotonic() - began
            connection.sendall(QUERY)
            reply = parsed(connection.recv(65536))
            with running(tmp_path / "second.log", service.environment) as second:
                answers = [second.ask() for _ in range(10)]
        await_that(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))

    assert took < 5
    assert answers == [200] * 10
    assert reply.status == 200


def is_free(port: str) -> bool:
    """Whether gunicorn could listen there."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", int(port)))
        return True
    return False


def test_the_port_opens_once_the_application_is_loaded(tmp_path):
    """The first request does not wait for imports, which take seconds; nor does a proxy count it as a failure."""
    port = str(free_port())
    with fresh_database(tmp_path, migrated=True) as database, (tmp_path / "log").open("w") as log:
        environment = environment_of_service(
            **PRODUCTION,
            DATABASE_URL=database,
            CACHE_URL="locmemcache://",
            PORT=port,
            BEHIND_TLS_PROXY="true",
            TRUSTED_PROXIES="127.0.0.1",
        )
        command = [sys.executable, "-m", "gunicorn", "--config", "python:project.gunicorn", "project.wsgi"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as process:
            began = time.monotonic()
            service = Service(f"http://127.0.0.1:{port}", process, environment, tmp_path / "log")
            await_that(lambda: accepts(service), seconds=60)
            opened = time.monotonic()
            status = service.ask()
            answered = time.monotonic()
            process.terminate()

    assert status == 200
    assert answered - opened < max(1, opened - began)


def accepts(service: Service) -> bool:
    """Whether it takes a connection."""
    with suppress(ConnectionRefusedError), service.connect():
        return True
    return False

"""A Redis of a test's own, which can hang, go away and come back."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from tests.live import free_port
from tests.tools import program


def configuration(port: int) -> dict[str, Any]:
    """CACHES, as the settings have it for this port."""
    return {
        "default": {
            "BACKEND": "project.cache.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{port}/0",
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        }
    }


@dataclass
class Redis:
    """A server of our own."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def on(cls, port: int, directory: Path) -> "Redis":
        """Start one, and wait until it answers."""
        command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        process = subprocess.Popen([*command, "--dir", directory], stdout=subprocess.DEVNULL)
        for _ in range(100):
            with suppress(redis.RedisError), redis.Redis(port=port) as client:
                client.ping()
                break
            time.sleep(0.1)
        return cls(port, directory, process)

    def hang(self) -> None:
        """It takes connections, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """It is gone, with all that it remembers."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        """A new one listens at the same port."""
        self.process = self.on(self.port, self.directory).process


@contextmanager
def redis_server(directory: Path) -> Iterator[Redis]:
    """Until the block ends."""
    server = Redis.on(free_port(), directory)
    try:
        yield server
    finally:
        server.stop()

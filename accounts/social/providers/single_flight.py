"""Work that several threads want at once is done once."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


def _directly(work: Callable[[], None]) -> None:
    work()


def in_a_thread(work: Callable[[], None]) -> None:
    """Run work that the caller may stop waiting for."""
    try:
        threading.Thread(target=work, daemon=True).start()
    except RuntimeError:
        # The process is at its limit of threads.
        work()


class SingleFlight(Generic[Result]):
    """Running work, by its key. No lock is held while it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[Result]] = {}

    def __contains__(self, key: Hashable) -> bool:
        """Whether work for this key is running."""
        return key in self._running

    def share(
        self, key: Hashable, work: Callable[[], Result], run: Callable[[Callable[[], None]], None] = _directly
    ) -> Future[Result]:
        """The future of the running work for this key; if there is none, run this work."""
        with self._lock:
            if key in self._running:
                return self._running[key]
            future = self._running[key] = Future[Result]()

        def run_and_settle() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised where the result is read
                future.set_exception(error)
            finally:
                with self._lock:
                    del self._running[key]

        run(run_and_settle)
        return future

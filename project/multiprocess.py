"""A folder in which the worker processes share their metrics, so that any of them can answer a scrape for all.

prometheus_client keeps the values in a file for each process, if PROMETHEUS_MULTIPROC_DIR names a folder when it is
imported. The folder is new for each start of the server: files of an earlier one would be counted again. Only servers
have one, so `manage.py` writes nothing, and needs nothing that it could write to.
"""

import atexit
import os
import shutil
import sys
import tempfile

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_folders: list[str] = []


def begin() -> None:
    """Make the folder, unless nobody may scrape. Call before the application is imported; later calls do nothing."""
    if _folders or not settings.METRICS_TOKENS:
        return
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client was imported before its folder was made.")
    try:
        folder = tempfile.mkdtemp(prefix="latchkey-metrics-")
    except OSError as error:
        raise ImproperlyConfigured(f"METRICS_TOKENS: no folder for temporary files (TMPDIR): {error}") from None
    os.environ[VARIABLE] = folder
    _folders.append(folder)
    atexit.register(_remove, folder, os.getpid())


def forget_worker(pid: int) -> None:
    """Remove what a worker that has ended was doing. What it has counted stays."""
    if _folders:
        # Only now: this module is imported before the folder is there.
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _remove(folder: str, owner: int) -> None:
    """Remove the folder at the end of the process that made it; its children inherit this."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)

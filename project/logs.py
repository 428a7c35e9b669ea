"""How the log is written: JSON for programs in production, text for people in development.

Every process writes it so: the server with its workers, and manage.py. project/request_log.py has taken out secrets
before a record comes here.
"""

import json
import logging
import logging.config
import os
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from project.request_log import described

LONGEST = 15_000
"""Bytes of the texts of a record. Docker splits lines after 16 KiB, and a part of JSON is none."""
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What ends a line, or moves a terminal's cursor."""
IDS = ("request_id", "trace_id", "span_id")
"""Set by filters."""

log = logging.getLogger("project")


def configure(config: dict[str, Any]) -> None:
    """Set the log up, for warnings and uncaught exceptions too (Django's LOGGING_CONFIG)."""
    logging.config.dictConfig(config)
    logging.captureWarnings(capture=True)
    # What Python itself prints is no record, and its message may hold a secret. Hooks of others stay.
    os.environ["STRAWBERRY_DISABLE_RICH_ERRORS"] = "true"  # else the schema would replace the first of them
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _log_uncaught
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _log_unraisable
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_uncaught_of_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_uncaught_of_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "unknown"
    if args.exc_value is not None:
        log.critical("uncaught exception in thread %s", name, exc_info=args.exc_value)


def _log_unraisable(ignored: "sys.UnraisableHookArgs") -> None:
    log.error("exception ignored in %s", type(ignored.object).__name__, exc_info=ignored.exc_value)


class JsonFormatter(logging.Formatter):
    """One JSON object on one line, in ASCII: whatever a message holds, it ends no line and breaks no encoding."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record that RequestFilter has prepared."""
        event = getattr(record, "security_event", None)
        entry: dict[str, Any] = {
            "timestamp": timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": event["event"] if event else shortened(record.getMessage(), LONGEST // 4),
        }
        entry |= _ids(record)
        if event:
            entry["security_event"] = event
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            entry["exception"] = shortened(record.exc_text, LONGEST // 2)
        if record.stack_info:
            entry["stack"] = shortened(record.stack_info, LONGEST // 4)
        return json.dumps(entry, default=described)


class TextFormatter(logging.Formatter):
    """One line that begins with the time, and below it an indented traceback. No message can forge such a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record that RequestFilter has prepared."""
        ids = " ".join(_ids(record).values()) or "-"
        message = BREAKS.sub(_escaped, record.getMessage().rstrip("\n"))
        line = f"{timestamp(record)} {record.levelname} {ids} {record.name}: {message}"
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        return "\n".join([line, *_indented(record.exc_text), *_indented(record.stack_info)])


def timestamp(record: logging.LogRecord) -> str:
    """When it was logged, in RFC 3339: UTC, with milliseconds."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ids(record: logging.LogRecord) -> dict[str, str]:
    """What the record belongs to: nothing outside of requests and traces."""
    return {name: str(value) for name in IDS if (value := getattr(record, name, "")) not in {None, "", "-"}}


def shortened(text: str, longest: int) -> str:
    """The beginning and the end of a text that takes more bytes of JSON than that: one character may take twelve."""
    shown, kept = text, longest - 100
    while len(json.dumps(shown)) > longest:
        half = kept // 2
        shown = f"{text[:half]} [{len(text) - 2 * half} characters left out] {text[-half:]}"
        kept = half
    return shown


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _indented(text: str | None) -> list[str]:
    return [f"  {BREAKS.sub(_escaped, line)}" for line in text.split("\n")] if text else []

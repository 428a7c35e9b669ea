"""How the log is written: what each process writes, in JSON and in text."""

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import uuid
import warnings
from typing import Any

import pytest
from django.http import HttpRequest

from accounts.shared import tracing
from project.logs import JsonFormatter, TextFormatter
from project.request_log import Kept, RequestFilter
from tests.live import ROOT
from tests.project.production import await_that, gunicorn, json_lines
from tests.project.test_settings import PRODUCTION, manage

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Unprintable:
    """A value whose text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("hush")

    __repr__ = __str__


def written(
    formatter: logging.Formatter, message: Any, *args: Any, error: BaseException | None = None, **extra: Any
) -> str:
    """The record as a handler with the filter and the formatter writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(RequestFilter())
    log = logging.getLogger(uuid.uuid4().hex)
    log.addHandler(handler)
    log.propagate = False
    log.error(message, *args, exc_info=error, extra=extra)
    return stream.getvalue()


def entry(message: Any, *args: Any, **more: Any) -> dict[str, Any]:
    """The one JSON object that is written."""
    text = written(JsonFormatter(), message, *args, **more)
    assert text.endswith("\n")
    assert text.count("\n") == 1
    found: dict[str, Any] = json.loads(text)
    return found


def fail(message: str) -> None:
    """Raise an exception."""
    raise RuntimeError(message)


def raised(message: str) -> Exception:
    """An exception with a traceback."""
    try:
        fail(message)
    except RuntimeError as error:
        return error
    raise AssertionError


def test_an_entry_has_time_level_logger_process_and_message():
    """In UTC, with milliseconds (RFC 3339); and no name without a value."""
    found = entry("%s of %d", "one", 2)

    assert TIME.fullmatch(found.pop("timestamp"))
    assert found.pop("logger")
    assert found == {"level": "ERROR", "process": os.getpid(), "message": "one of 2"}


@pytest.mark.parametrize("traced", [True, False])
def test_an_entry_names_its_request_and_its_trace(monkeypatch, traced):
    """In both formats; and no trace if there is none."""
    trace = "0af7651916cd43dd8448eb211c80319c" if traced else "-"
    monkeypatch.setattr(tracing.tracer, "trace_id", lambda: trace, raising=False)
    request = HttpRequest()
    request.id = "edge-12345"  # type: ignore[attr-defined]

    found = entry("x", request=request)

    assert (found["request_id"], found.get("trace_id")) == ("edge-12345", trace if traced else None)
    line = written(TextFormatter(), "x", request=request)
    assert (f" ERROR edge-12345 {trace} " if traced else " ERROR edge-12345 ") in line


HOSTILE = "a\nb\r\n\u2028\x85\x1b[2J\ud800\0\"}'\\ 2026-11-27T00:00:00.000Z CRITICAL - root: forged"


def test_no_text_ends_the_line_of_an_entry():
    """Line ends of Unicode, control characters and lone surrogates included."""
    found = entry(f"{HOSTILE} %s", HOSTILE, error=raised(HOSTILE))

    assert found["message"] == f"{HOSTILE} {HOSTILE}"
    assert HOSTILE in found["exception"]
    assert written(JsonFormatter(), HOSTILE).isascii()


def test_no_text_forges_a_line_for_people():
    """Each line begins with the time, or is an indented one of a traceback."""
    first, *others = written(TextFormatter(), f"{HOSTILE} %s", HOSTILE, error=raised(HOSTILE)).splitlines()

    assert TIME.match(first)
    assert re.match(r"\S+ ERROR - \w+: a\\nb\\r\\n", first)
    assert all(line.startswith("  ") for line in others)
    assert any("RuntimeError" in line for line in others)


@pytest.mark.parametrize(
    ("message", "args"),
    [("%d", ("hush",)), ("%s", (Unprintable(),)), ("%s %s", ("hush",)), (Unprintable(), ()), ("%(a)s", ({"b": 1},))],
)
@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_what_cannot_be_rendered_is_logged_all_the_same(capsys, formatter, message, args):
    """A library's mistake fails no request; and Python's own report of it would repeat the arguments (S47)."""
    text = written(formatter, message, *args)

    assert "ERROR" in text
    assert "hush" not in text + capsys.readouterr().err


def test_a_value_that_json_does_not_know_is_a_text():
    """Or its type, if it has none."""
    found = entry("x", security_event={"event": "a", "at": uuid.UUID(int=1), "agent": "b", "odd": Unprintable()})

    assert found["security_event"]["at"] == str(uuid.UUID(int=1))
    assert found["security_event"]["odd"] == "<Unprintable that cannot be shown>"


def test_a_security_event_is_an_object_with_its_own_fields():
    """Not JSON within a string; a client's own words in it are scrubbed, the others not."""
    event = {"event": "account:login:failure", "ip": "203.0.113.9", "agent": "curl password=hunter2"}

    found = entry("ignored", security_event=event)

    assert found["message"] == "account:login:failure"
    assert found["security_event"] == {**event, "agent": "curl password=[redacted]"}


def full(text: str) -> logging.LogRecord:
    """A record with this text in its message, its traceback and its stack."""
    error = raised(text)
    exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, __file__, 1, "%s", (text,), exc_info, sinfo=f"Stack {text}")
    RequestFilter().filter(record)
    return record


@pytest.mark.parametrize("sign", ["c ", "\xff ", "\0 ", "\U0001f600 "], ids=ascii)
def test_a_long_text_is_shortened(sign):
    """Container runtimes split lines after 16 KiB, whatever a stranger's text consists of."""
    record = full(f"{'a' * 30} {sign * 64_000}")

    line = JsonFormatter().format(record)

    found = json.loads(line)
    assert len(line) < 16 * 1024
    assert found["message"].startswith("a" * 30)
    assert "characters left out" in found["exception"]
    assert found["exception"].startswith("Traceback")
    assert found["stack"].startswith("Stack")


@pytest.mark.parametrize(
    "text",
    ["redis://:hunter2@cache:6379/0", "postgres://lk:hunter2@db/n", "Authorization: Basic hunter2",
     "'token': 'hunter2'", "{'Authorization': 'Bearer hunter2'}"],
)  # fmt: skip
@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_no_part_of_a_record_has_a_secret(formatter, text):
    """S47: message, traceback and stack, outside of requests too."""
    line = formatter.format(full(text))

    assert line.count("[redacted]") == 3
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "text",
    ["password" * 16_000, "password=" * 14_000, "code " + " " * 128_000, "a" * 128_000, "a-" * 64_000, '"\\' * 64_000,
     "\n" * 128_000, 'token: \\"' * 14_000, "\x1b" * 128_000, "://@" * 32_000, "\ud800" * 128_000],
    ids=lambda text: ascii(text[:12]),
)  # fmt: skip
@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_the_worst_text_is_written_in_linear_time(formatter, text):
    """S80: at the limit of a body, as a message and in a traceback, with a request full of secrets."""
    request = HttpRequest()
    request.META["wsgi.input"] = Kept(io.BytesIO(b'code="secret%d" ' * 6000), 10**6)
    request.META["wsgi.input"].read(-1)
    begun = time.thread_time()

    written(formatter, "%s", text, error=raised(text), request=request)

    assert time.thread_time() - begun < 2  # quadratic: minutes


def test_a_warning_is_a_record():
    """In the same format, and through the same filter."""
    script = "import django; django.setup(); import warnings; warnings.warn('code=hunter2')"
    [found] = json_lines(_python(script))
    assert (found["logger"], found["level"]) == ("py.warnings", "WARNING")
    assert "code=[redacted]" in found["message"]


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        ("raise RuntimeError('password=hunter2')", "uncaught exception"),
        ("import threading; t = threading.Thread(target=lambda: 1 / 0, name='t'); t.start(); t.join()", "thread t"),
        (
            "fail = lambda _: exec('raise RuntimeError(\"password=hunter2\")'); type('A', (), {'__del__': fail})()",
            "ignored",
        ),
    ],
)
def test_what_ends_a_process_or_a_thread_is_one_json_object(fails, message):
    """Not a traceback over several lines, in which secrets would stand."""
    [found] = json_lines(_python(f"import django; django.setup(); {fails}"))

    assert found["level"] in {"CRITICAL", "ERROR"}
    assert message in found["message"]
    assert "Traceback" in found["exception"]
    assert "hunter2" not in json.dumps(found)


def test_what_ends_a_process_is_scrubbed_for_people_too():
    """S47: with LOG_FORMAT=text in production, say."""
    result = _python("import django; django.setup(); raise RuntimeError('password=hunter2')", LOG_FORMAT="text")

    assert "uncaught exception" in result
    assert "  RuntimeError: password=[redacted]" in result
    assert "hunter2" not in result


def test_a_command_logs_json_too():
    """manage.py has the same log, on standard error."""
    script = "import logging; logging.getLogger('a').warning('code=%s\\n', 'hunter2')"
    result = manage("shell", "--no-imports", "-c", script)

    [found] = json_lines(result.stderr)
    assert (found["logger"], found["message"]) == ("a", "code=[redacted]\n")


def test_development_logs_text():
    """One line for each record."""
    result = manage(
        "shell", "--no-imports", "-c", "import logging; logging.getLogger('a').warning('b')", LATCHKEY_ENV="development"
    )

    assert re.search(rf"^{TIME.pattern} WARNING - a: b$", result.stderr, re.MULTILINE)


def _python(script: str, **settings: str) -> str:
    """What a Python process of the service in production writes to standard error."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**environment, **PRODUCTION, **settings, "DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stderr


def test_every_line_of_the_server_is_json(tmp_path):
    """From its first to its last, gunicorn's own included: start, a worker that was killed, SIGTERM."""
    with gunicorn(tmp_path, LATCHKEY_WROKERS="2", LOG_LEVEL="DEBUG") as server:
        status, headers = server.fetch("/nowhere?code=hunter2-hunter2", X_Request_ID="chosen-by-a-stranger")
        assert status == 404
        login = b'{"query": "mutation { tokenAuth(input: {email: \\"a@b.example\\", password: \\"hunter2-hunter2\\"}) '
        login += b'{ errors { code } } }"}'
        server.fetch("/graphql", login, Content_Type="application/json")
        [worker] = {e["process"] for e in server.entries() if e["message"].startswith("Booting worker")}
        os.kill(worker, signal.SIGKILL)
        await_that(lambda: server.messages().count("Booting worker") == 2)

    entries = server.entries()
    messages = server.messages()
    for expected in ("LATCHKEY_WROKERS is set but not used", "Starting gunicorn", "Listening at: ", "SIGKILL",
                     "Handling signal: term", "Shutting down: Master"):  # fmt: skip
        assert expected in messages
    assert all(TIME.fullmatch(e["timestamp"]) for e in entries)
    [missing] = [e for e in entries if e["message"].startswith("Not Found")]
    assert missing["request_id"] == headers["X-Request-ID"] != "chosen-by-a-stranger"
    assert "hunter2" not in server.log.read_text()


def test_the_id_of_a_trusted_proxy_is_in_the_answer_the_log_and_the_event(tmp_path):
    """One id from the edge to the event."""
    with gunicorn(tmp_path, TRUSTED_PROXIES="127.0.0.1") as server:
        server.manage("ensure_client")
        query = b'{"query": "mutation { tokenAuth(input: {email: \\"a@b.example\\", password: \\"hunter2-hunter2\\"}) '
        query += b'{ errors { code } } }"}'
        status, headers = server.fetch(
            "/graphql", query, Content_Type="application/json", X_Request_ID="edge-0.1_A", X_Forwarded_For="6.6.6.6"
        )

    assert (status, headers["X-Request-ID"]) == (200, "edge-0.1_A")
    [event] = [e for e in server.entries() if "security_event" in e]
    assert event["request_id"] == event["security_event"]["request"] == "edge-0.1_A"
    assert event["security_event"]["event"] == event["message"] == "account:login:failure"
    assert event["logger"] == "accounts.audit"


def test_warnings_of_these_tests_stay_errors():
    """Logging them must not swallow what pytest turns into errors."""
    with pytest.raises(UserWarning):
        warnings.warn("x", stacklevel=1)

"""Holds the `Codes:` lines of the mutations true: each listed code was produced, and no other.

A whole run fails at its end if a line promises a code that no test produced, or if a test produced one that no
line promises.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CODE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b|\bREQUIRED\b")
TESTS = Path(__file__).resolve().parent
WORKER_OUTPUT = "produced_codes"

produced: dict[str, set[str]] = defaultdict(set)
"""By mutation, in this process."""


def listed_codes(mutation: str) -> list[str]:
    """The codes that the mutation's description promises, in its order."""
    # Django has to be set up before the schema can be imported.
    from schema.root import schema

    root: Any = schema._schema.mutation_type
    description = root.fields[mutation].description or ""
    lines = [line for line in description.splitlines() if line.startswith("Codes:")]
    assert len(lines) == 1, f"{mutation} has not one line of codes"
    # What stands in brackets explains a code.
    return CODE.findall(re.sub(r"\([^)]*\)", "", lines[0]))


def record(body: Any) -> None:
    """Remember the codes of an answer's payloads. Aliased mutations are not told apart, and do not count."""
    data = body.get("data") if isinstance(body, dict) else None
    for field, payload in (data or {}).items():
        if isinstance(payload, dict):
            for error in payload.get("errors") or ():
                if "code" in error:
                    produced[field].add(error["code"])


@pytest.fixture(scope="session", autouse=True)
def _recording() -> Iterator[None]:
    """Record what the view answers, whichever way a test calls it."""
    from schema.http.views import View

    process = View.process_result

    def process_and_record(view: View, *args: Any, **kwargs: Any) -> Any:
        answer = process(view, *args, **kwargs)
        record(answer)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(View, "process_result", process_and_record)
        yield


def _differences(found: dict[str, set[str]]) -> Iterator[str]:
    from schema.root import schema

    root: Any = schema._schema.mutation_type
    for mutation in root.fields:
        listed = set(listed_codes(mutation))
        for code in sorted(listed - found.get(mutation, set())):
            yield f"{mutation} lists {code}, and no test produced it."
        for code in sorted(found.get(mutation, set()) - listed):
            yield f"{mutation} answered {code}, and does not list it."


def _is_whole(config: pytest.Config) -> bool:
    """Whether nothing was left out: no -k, -m, --deselect, --ignore, --lf, and no paths below tests/."""
    option = config.option
    selected = option.keyword or option.markexpr or option.deselect or option.ignore or option.collectonly
    selected = selected or getattr(option, "lf", False)
    paths = [Path(argument.split("::")[0]).resolve() for argument in config.args]
    return not selected and all(path == TESTS or path in TESTS.parents for path in paths)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Compare, where all workers have ended (pytest-xdist) or there are none."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[WORKER_OUTPUT] = {mutation: sorted(codes) for mutation, codes in produced.items()}
        return
    if exitstatus != pytest.ExitCode.OK or not _is_whole(config):
        return
    found = list(_differences(produced))
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.section("codes of the mutations", sep="=", red=True)
            for difference in found:
                reporter.line(difference)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Gather what a worker of pytest-xdist has seen."""
    for mutation, codes in getattr(node, "workeroutput", {}).get(WORKER_OUTPUT, {}).items():
        produced[mutation] |= set(codes)

"""Commands as programs run them."""

import io
import json
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command


@dataclass(frozen=True)
class Ran:
    """What a program gets of a command."""

    code: int
    records: list[dict[str, Any]]
    stderr: str

    @property
    def errors(self) -> list[tuple[str, str | None]]:
        """Code and field of each error."""
        return [(one["code"], one["field"]) for one in json.loads(self.stderr.splitlines()[-1])["errors"]]


def run(*arguments: str) -> Ran:
    """Run a command with `--json`, as the actor `cron`."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command(*arguments, "--json", "--actor=cron", stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return Ran(code, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue())

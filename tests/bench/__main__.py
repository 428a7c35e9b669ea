"""Run the parts of the bench, all or the one that is named, and put their results into docs/performance.md.

`python -m tests.bench [part]`. A part is a module whose output goes between the marks of its name in the document, if
it has such marks: Markdown as it is, the lines of other parts as they were printed.
"""

import importlib.util
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.bench.report import has_block, spliced
from tests.live import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"


@dataclass(frozen=True)
class Part:
    """A module of the bench."""

    name: str
    module: str
    markdown: bool = False


PARTS = (
    Part("peers", "tests.bench.side_by_side", markdown=True),
    Part("me", "tests.bench.me"),
    Part("scale", "tests.bench.scale", markdown=True),
    Part("start", "tests.bench.start", markdown=True),
    Part("storm", "tests.bench.storm"),
    Part("mailed", "tests.bench.mailed"),
)


def run(part: Part) -> bool:
    """Run one part, show its output as it comes, and keep it. False if it failed."""
    print(f"== {part.name} ({part.module})", flush=True)
    begun = time.monotonic()
    command = [sys.executable, "-m", part.module]
    lines = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    print(f"== {part.name}: {time.monotonic() - begun:.0f} s", flush=True)
    if process.returncode:
        return False
    output = "".join(lines).strip()
    text = DOCUMENT.read_text()
    if has_block(text, part.name):
        DOCUMENT.write_text(spliced(text, part.name, output if part.markdown else f"```text\n{output}\n```"))
    return True


def main(wanted: str) -> None:
    """Run what is wanted; exit with an error if a part is unknown or fails."""
    there = [part for part in PARTS if importlib.util.find_spec(part.module)]
    chosen = [part for part in there if wanted in {"", part.name}]
    if not chosen:
        sys.exit(f"There is no part {wanted!r}. The parts are {', '.join(part.name for part in there)}.")
    failed = [part.name for part in chosen if not run(part)]
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")

"""The fenced blocks of the documents: what a reader copies.

Each is run by a test. What cannot be has `<!-- not run: the reason -->` on the line above.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    *sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")} - {ROOT / "README.md"}),
    ROOT / "frontend" / "README.md",
]
_FENCE = re.compile(
    r"(?:^[ \t]*<!-- not run: (?P<reason>[^\n]+) -->\n)?"
    r"^(?P<indent>[ \t]*)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One of them."""

    document: Path
    line: int
    language: str
    text: str
    reason: str | None
    """Why it is not run; None if it is."""

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that it is, which its first line names."""
        named = re.match(r"(?://|#) ([\w.-]+\.\w+)\n", self.text)
        return named[1] if named else None


def blocks(document: Path) -> Iterator[Block]:
    """In the order of the page."""
    page = document.read_text()
    for fence in _FENCE.finditer(page):
        line = page.count("\n", 0, fence.start("language")) + 1
        text = textwrap.dedent(fence["text"])
        yield Block(document, line, fence["language"], text, fence["reason"])


def all_blocks() -> list[Block]:
    """Of all documents."""
    return [block for document in DOCUMENTS for block in blocks(document)]

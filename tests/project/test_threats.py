"""`docs/threats.md` explains each S-number, and its paths lead somewhere."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.documents import ROOT

PAGE = ROOT / "docs/threats.md"
PLACES = ("accounts", "schema", "project", "tests", "docs", "frontend/src")
NUMBER = re.compile(r"\bS\d{1,2}\b")
TEXT = {".py", ".md", ".html", ".mjs", ".ts", ".tsx", ".css", ".graphql", ".toml"}


class Row(NamedTuple):
    """A line of the page."""

    number: str
    requirement: str
    module: str
    test: str


LINE = re.compile(r"^\| (S\d+) \| (.+?) \| `(.+?)` \| `(.+?)` \|$", re.MULTILINE)
ROWS = [Row(*parts) for parts in LINE.findall(PAGE.read_text())]


def is_ours(path: Path) -> bool:
    """A text of the repository, not of an installed package."""
    return path.suffix in TEXT and path != PAGE and "node_modules" not in path.parts


def cited() -> set[str]:
    """The numbers of all files but the page."""
    files = [ROOT / "README.md", *(path for place in PLACES for path in (ROOT / place).rglob("*"))]
    texts = [path.read_text() for path in files if is_ours(path)]
    return {number for text in texts for number in NUMBER.findall(text)}


def test_each_number_that_is_cited_stands_in_the_legend():
    """In order, once, and nothing beside them."""
    numbers = [row.number for row in ROWS]

    assert numbers == sorted(numbers, key=lambda number: int(number[1:]))
    assert set(numbers) == cited()
    assert len(numbers) == len(set(numbers)) == PAGE.read_text().count("\n| S")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_each_requirement_names_its_module_and_a_test(row):
    """A module that exists, and a test file that names the number."""
    tests = [path for path in (ROOT / "tests").rglob(row.test) if row.number in NUMBER.findall(path.read_text())]

    assert (ROOT / row.module).is_file()
    assert tests

"""docs/architecture.md shows the rooms as the code has them."""

import re
from collections.abc import Iterator

import grimp
import pytest

from tests.documents import ROOT, blocks

Graph = dict[str, set[str]]

PAGE = ROOT / "docs/architecture.md"
NO_ROOMS = {"management", "migrations"}
"""Packages of accounts/ that Django requires."""
SHARED = {"shared"}
"""No capability: it has no GraphQL and no page."""
CAPABILITIES = sorted(
    {package.parent.name for package in (ROOT / "accounts").glob("*/__init__.py")} - NO_ROOMS - SHARED
)
NO_GRAPHQL = {"factors", "mails"}
"""Other rooms put them into their journeys."""
HOMES = ["schema/{room}/__init__.py", "tests/{room}/__init__.py", "docs/{room}.md"]
"""What each capability has besides its package in accounts/."""


def picture(package: str) -> tuple[dict[str, str], Graph]:
    """The node of each module, and the arrows between the nodes, of the `subgraph` of a package."""
    (block,) = [b for b in blocks(PAGE) if b.language == "mermaid" and f"subgraph {package}\n" in b.text]
    nodes: dict[str, str] = {}
    arrows: Graph = {}
    for line in block.text.split(f"subgraph {package}\n")[1].splitlines():
        if node := re.fullmatch(r'\s*(\w+)\["(.+)"\]', line):
            modules = node[2].split(" · ")
            assert not nodes.keys() & modules
            nodes |= dict.fromkeys(modules, node[1])
        elif arrow := re.fullmatch(r"\s*(\w+) --> ([\w &]+)", line):
            arrows.setdefault(arrow[1], set()).update(arrow[2].split(" & "))
        else:
            assert line.strip() == "end", f"Not understood: {line}"
    return nodes, arrows


def graph_of(package: str) -> grimp.ImportGraph:
    """The run-time imports. Uncached: grimp's cache is stale after calls with other options."""
    return grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)


def imports(package: str, nodes: dict[str, str]) -> Graph:
    """The nodes that each node imports at run time, of the same package."""
    graph = graph_of(package)
    found: Graph = {}
    for importer in graph.modules - {package}:
        for imported in graph.find_modules_directly_imported_by(importer) - {package}:
            from_, to = nodes[importer.split(".")[1]], nodes[imported.split(".")[1]]
            if from_ != to:
                found.setdefault(from_, set()).add(to)
    return found


def reachable(graph: Graph, start: str) -> Iterator[str]:
    """The nodes below `start`. A cycle ends in RecursionError."""
    for node in graph.get(start, ()):
        yield node
        yield from reachable(graph, node)


def reduced(graph: Graph) -> Graph:
    """Without the arrows that longer paths imply."""
    return {
        start: ends - {implied for end in ends for implied in reachable(graph, end)} for start, ends in graph.items()
    }


@pytest.mark.parametrize("package", ["accounts", "schema"])
def test_the_picture_shows_every_module_of_a_package(package):
    """Those directly below it. Modules in one node have their names in its label."""
    nodes, _arrows = picture(package)
    modules = {child.rpartition(".")[2] for child in graph_of(package).find_children(package)}

    assert nodes.keys() == modules


@pytest.mark.parametrize("package", ["accounts", "schema"])
def test_the_arrows_of_the_picture_are_the_imports(package):
    """Each import is an arrow or a path of arrows, each arrow is an import, and no arrow repeats a longer path."""
    nodes, arrows = picture(package)

    assert arrows == reduced(imports(package, nodes))


@pytest.mark.parametrize(
    ("room", "home"),
    [(r, h) for r in CAPABILITIES for h in HOMES if r not in NO_GRAPHQL or not h.startswith("schema/")],
)
def test_each_capability_has_its_homes(room, home):
    """Under one name."""
    assert (ROOT / home.format(room=room)).is_file()

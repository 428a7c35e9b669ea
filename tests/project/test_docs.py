"""The documents say what is."""

import json
import os
import re

import pytest
from django.core.management import get_commands
from graphql import OperationDefinitionNode, parse, print_ast

from tests.documents import DOCUMENTS, ROOT, Block, all_blocks
from tests.factories import make_account
from tests.project.settings_page import EXAMPLE, PAGE, example, page

CLIENTS = ROOT / "frontend" / "clients"
OWN_TESTS = {"resource-servers": "tests/e2e/test_resource_servers.py"}
"""What runs the files of a page, if not `make clients`."""
RUN_BY = {
    ("backup", "bash"): "tests/operating/test_backup.py",
    ("backup", "sh"): "tests/container/test_deploy_page.py",
    ("secrets", "bash"): "tests/operating/test_backup.py",
    ("deploy", "bash"): "tests/container/test_deploy_page.py",
    ("proxies", "nginx"): "tests/project/test_real_proxies.py",
    ("proxies", "caddy"): "tests/project/test_real_proxies.py",
}
"""What runs the blocks of a page that have a test of their own."""


@pytest.mark.parametrize(("path", "printed"), [(PAGE, page), (EXAMPLE, example)])
def test_the_settings_are_printed_from_their_declarations(path, printed):
    """`WRITE_DOCS=1 make test ARGS="tests/project/test_docs.py -k settings"` writes both files."""
    now = printed()
    if os.environ.get("WRITE_DOCS"):
        path.write_text(now)

    assert path.read_text() == now


def test_the_settings_show_values_as_operators_write_them():
    """Not as Python has them, and one day is a day."""
    assert not re.search(r"`[{\[(]|1 days", page())


def test_every_link_between_the_documents_leads_somewhere():
    """Files and headings that exist."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "frontend/README.md"]
    for document in documents:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_each_attack_in_the_table_has_its_tests():
    """By their names, in the files that stand beside them."""
    table = (ROOT / "docs/social.md").read_text().partition("## Attacks")[2]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"\]\(\.\./(tests/[\w/]+\.py)\): ((?:`\w+`(?:, )?)+)", row)
        assert named, row
        for path, tests in named:
            source = (ROOT / path).read_text()
            for test in re.findall(r"`(\w+)`", tests):
                assert f"def {test}(" in source, f"{path}: {test}"


def how_it_is_run(block: Block) -> str | None:
    """What runs a block; None if nothing does."""
    if block.document.stem in OWN_TESTS:
        own = OWN_TESTS[block.document.stem]
        if block.file and block.file in (ROOT / own).read_text():
            return own
    if block.file:
        # frontend/clients/extract.mjs writes it, and a test imports it.
        pages = re.search(r"for \(const page of (\[.*?\])\)", (CLIENTS / "extract.mjs").read_text())
        assert pages
        tests = [test.read_text() for test in CLIENTS.glob("*") if test.is_file()]
        stem = block.file.rpartition(".")[0]
        written = block.document.stem in json.loads(pages[1])
        return "make clients" if written and any(re.search(rf"\b{stem}\b", test) for test in tests) else None
    return RUN_BY.get((block.document.stem, block.language)) or {
        "sh": "tests/e2e/test_readme.py",
        "graphql": "test_every_graphql_block_is_answered",
        "python": "test_every_python_block_runs",
        "json": "test_every_json_block_is_json",
        "mermaid": "test_every_picture_of_a_journey_names_what_exists"
        if block.text.startswith("sequenceDiagram\n")
        else "tests/project/test_architecture.py",
        "sql": "tests/guard/test_partitions.py",
        "text": "nobody: it is no command",
    }.get(block.language)


def test_every_block_is_run_or_says_why_it_is_not():
    """A new one cannot be forgotten: `<!-- not run: the reason -->` above it is the only other way."""
    found = all_blocks()
    fences = sum(len(re.findall(r"^[ \t]*(?:```|~~~)", document.read_text(), re.MULTILINE)) for document in DOCUMENTS)

    assert len(found) * 2 == fences
    assert {str(block) for block in found if not (block.reason or how_it_is_run(block))} == set()


def test_no_command_hides_among_the_pictures():
    """`text` is for diagrams and output."""
    for block in all_blocks():
        if block.language == "text":
            assert not re.search(r"^\s*(\$|curl|make|npm|python|\.venv)\b", block.text, re.MULTILINE), block


@pytest.mark.parametrize("block", [b for b in all_blocks() if b.language == "graphql" and not b.reason], ids=str)
def test_every_graphql_block_is_answered(graphql, sign_in, block):
    """Each of its operations, signed in and without a top-level error; what its variables stand for is nobody's."""
    for definition in parse(block.text).definitions:
        assert isinstance(definition, OperationDefinitionNode)
        variables = {variable.variable.name.value: "made-up" for variable in definition.variable_definitions or ()}
        # Some end all sessions.
        answer = graphql(print_ast(definition), token=sign_in(make_account()).access_token, **variables)

        assert answer.status == 200
        assert "errors" not in answer.body


@pytest.mark.parametrize("block", [b for b in all_blocks() if b.language == "python" and not b.file], ids=str)
def test_every_python_block_runs(default_client, account, block):
    """In the service, where there is an account."""
    if not block.reason:
        exec(compile(block.text, str(block), "exec"), {"account": account})  # noqa: S102 - our own documents


@pytest.mark.parametrize("block", [b for b in all_blocks() if b.text.startswith("sequenceDiagram\n")], ids=str)
def test_every_picture_of_a_journey_names_what_exists(block):
    """Its arrows go between its participants, its operations and codes are of the schema, what it opens it closes."""
    names: set[str] = set()
    open_ = 0
    schema = (ROOT / "schema" / "schema.graphql").read_text()
    for line in map(str.strip, block.text.splitlines()[1:]):
        assert ";" not in line, "A semicolon ends the line there."
        if participant := re.fullmatch(r"(?:participant|actor) (\w+)(?: as .+)?", line):
            names.add(participant[1])
        elif arrow := re.fullmatch(r"(\w+)--?>>(\w+): (.+)", line):
            assert {arrow[1], arrow[2]} <= names, line
            if operation := re.match(r"[a-z]+(?:[A-Z]\w*)+(?=$|[(,:])", arrow[3]):
                assert re.search(rf"^  {operation[0]}\b", schema, re.MULTILINE), line
            for code in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", arrow[3]):
                assert re.search(rf"^  {code}$", schema, re.MULTILINE), line
        elif over := re.fullmatch(r"Note (?:over|right of|left of) ([\w,]+): .+", line):
            assert set(over[1].split(",")) <= names, line
        else:
            branch = re.fullmatch(r"(alt|opt|loop|else|end)\b.*", line)
            assert branch, f"Not understood: {line}"
            open_ += {"else": 0, "end": -1}.get(branch[1], 1)
    assert open_ == 0


@pytest.mark.parametrize("block", [b for b in all_blocks() if b.language == "json"], ids=str)
def test_every_json_block_is_json(block):
    """With comments, as TypeScript's configuration has them."""
    json.loads(re.sub(r"^\s*//.*", "", block.text, flags=re.MULTILINE))


def test_the_commands_in_the_text_exist():
    """`make …` and `manage.py …`, wherever a document names one."""
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text()
        for named in re.findall(r"`(?:[A-Z]\w*=\S+ )*make ((?:[a-z0-9]+ ?)+)", text):
            assert set(named.split()) <= targets, f"{document.name}: make {named}"
        for command in re.findall(r"manage\.py (\w+)", text):
            assert command in get_commands(), f"{document.name}: manage.py {command}"

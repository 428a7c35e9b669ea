"""The documents say what is."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def settings_read() -> set[str]:
    """The variables that the settings read."""
    source = "".join((ROOT / "project" / name).read_text() for name in ("settings.py", "providers.py"))
    by_name = {f"OPENID_<NAME>_{name}" for name in re.findall(r'env\.\w+\(\s*f"\{prefix\}([A-Z_]+)"', source)}
    return by_name | set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', source))


def test_every_setting_stands_in_the_table():
    """And no other."""
    table = re.findall(r"^\| `([A-Z0-9_<>]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)

    assert sorted(table) == sorted(settings_read())


def test_the_example_environment_names_settings_that_exist():
    """`.env.example` is where people start."""
    example = re.findall(r"^#? ?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert example
    assert set(example) <= settings_read()


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

"""The catalogues are complete and compiled: German and French readers meet no English."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from babel.messages.catalog import Message
from django.utils import translation
from django.utils.functional import Promise

from accounts.failures import FAILURES
from tests.documents import ROOT
from tests.languages import catalogues

LANGUAGES = catalogues.languages()
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[ds%]|\{\w*\}|</?\w[^>]*>")
"""What a translation must not change: names of values, and HTML."""


def messages(language: str) -> list[Message]:
    """The messages of a language as they are committed."""
    return [message for message in catalogues.stored(language) if message.id]


def texts(value: Any) -> list[str]:
    """One text, or those of singular and plural."""
    return [value] if isinstance(value, str) else list(value)


def parts(text: str) -> Counter[str]:
    """The placeholders and tags of a text."""
    return Counter(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_has_the_messages_of_the_sources_and_no_others(language):
    """Otherwise run `make messages`, and translate."""
    catalogue = catalogues.stored(language)
    committed = catalogues.text_of(catalogue)

    catalogue.update(catalogues.extracted(), no_fuzzy_matching=True)

    assert catalogues.text_of(catalogue).decode() == committed.decode()
    assert catalogues.file_of(language, "po").read_bytes() == committed


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language):
    """And no translation is a guess (fuzzy)."""
    missing = [message.id for message in messages(language) if message.fuzzy or not all(texts(message.string) or [""])]

    assert missing == []


def messages_of_failures() -> Iterator[tuple[str, ast.expr]]:
    """The messages that failures are raised with, and where."""
    named = {failure.__name__ for failure in FAILURES}
    for path in (path for folder in ("accounts", "schema") for path in (ROOT / folder).rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            given = [keyword.value for keyword in call.keywords if keyword.arg == "message"]
            for message in [*given, *(call.args[:1] if name in named else ())]:
                yield f"{path.relative_to(ROOT)}:{call.lineno}", message


def test_every_message_of_a_failure_can_be_translated():
    """A text outside of gettext is in no catalogue, where it could be missed."""
    found = list(messages_of_failures())

    assert len(found) > 10
    assert [where for where, message in found if isinstance(message, ast.Constant | ast.JoinedStr)] == []
    assert [failure for failure in FAILURES if not isinstance(failure.default_message, Promise)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_placeholders_and_tags(language):
    """A singular may do without its number."""
    changed = [
        text
        for message in messages(language)
        for text in texts(message.string)
        if parts(text) not in [parts(original) for original in texts(message.id)]
    ]

    assert changed == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_blanks_at_the_ends(language):
    """Templates put messages beside other text."""
    ends = re.compile(r"\A\s*|\s*\Z")
    changed = [
        text
        for message in messages(language)
        for text in texts(message.string)
        if ends.findall(text) != ends.findall(texts(message.id)[0])
    ]

    assert changed == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_source(language):
    """Django reads the .mo file, which a fresh machine has no program to make. `make messages` writes it."""
    compiled = catalogues.compiled(catalogues.stored(language))

    found = catalogues.messages_of(catalogues.file_of(language, "mo").read_bytes())

    assert found == catalogues.messages_of(compiled)


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_translations_win_over_those_of_other_apps(language):
    """Django and other apps translate some of the same words."""
    with translation.override(language):
        lost = [
            message.id
            for message in messages(language)
            if isinstance(message.id, str)
            and message.string
            != (
                translation.pgettext(message.context, message.id)
                if message.context
                else translation.gettext(message.id)
            )
        ]

    assert lost == []


def test_french_has_its_typographic_spaces():
    """No break before a high mark: a line must not begin with one."""
    bare = re.compile(r"(?<![\u00a0\u202f])[:;!?](?!\S)")
    wrong = [text for message in messages("fr") for text in texts(message.string) if bare.search(text)]

    assert wrong == []

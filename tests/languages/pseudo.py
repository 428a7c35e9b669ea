"""A language for tests: Arabic letters in place of the Latin ones, from right to left, between brackets."""

import functools
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from tests.languages import catalogues
from tests.languages.test_catalogues import PLACEHOLDER, texts

LANGUAGE = "ar"
LATIN = "abcdefghijklmnopqrstuvwxyz"
LETTERS = str.maketrans(LATIN + LATIN.upper(), "ابجدهوزحطيكلمنسعفصقرشتثخذض" * 2)
BEGIN, END = "⟦", "⟧"


def pseudo(text: str) -> str:
    """The text in the pseudo-language, with its placeholders and tags."""
    kept = PLACEHOLDER.findall(text)
    words = [part.translate(LETTERS) for part in PLACEHOLDER.split(text)]
    return BEGIN + "".join(part for pair in zip(words, [*kept, ""], strict=True) for part in pair) + END


@functools.cache
def compiled() -> bytes:
    """The catalogue of all messages of the sources."""
    catalogue = Catalog(locale=LANGUAGE)
    for message in catalogues.extracted():
        if message.id:
            plurals = catalogue.num_plurals if isinstance(message.id, tuple) else 1
            translated = [pseudo(texts(message.id)[-1])] * plurals
            string = translated[0] if isinstance(message.id, str) else tuple(translated)
            catalogue.add(message.id, string, context=message.context)
    return catalogues.compiled(catalogue)


@pytest.fixture
def pseudo_language(settings: Any, tmp_path: Path) -> str:
    """The tag of the pseudo-language, which the service speaks in this test beside English."""
    folder = tmp_path / "locale" / LANGUAGE / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(compiled())
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    settings.LANGUAGES = [("en", "English"), (LANGUAGE, "Pseudo")]
    return LANGUAGE

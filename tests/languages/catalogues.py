"""The catalogues in accounts/locale/: `python -m tests.languages.catalogues` (`make messages`) writes them.

Babel, because it is one Python package: `manage.py makemessages` and `compilemessages` call the programs of GNU
gettext, which few machines have. Django's own function prepares the templates, as for makemessages.
"""

import io
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from tests.documents import ROOT

LOCALE = ROOT / "accounts" / "locale"
SOURCES = ("accounts", "project", "schema")
KEYWORDS = DEFAULT_KEYWORDS | {f"{name}_lazy": spec for name, spec in DEFAULT_KEYWORDS.items()}
NOT_KEPT = re.compile(
    rb'^"(?:Project-Id-Version|Report-Msgid|POT-|PO-|Last-|Language-Team|Generated-By).*\n', re.MULTILINE
)
"""Headers that change without the catalogue, or say nothing."""


def languages() -> list[str]:
    """The languages that are translated: all but that of the code."""
    return [language for language, _name in settings.LANGUAGES if language != settings.LANGUAGE_CODE]


def file_of(language: str, kind: str) -> Path:
    """The `po` or `mo` file of a language."""
    return LOCALE / to_locale(language) / "LC_MESSAGES" / f"django.{kind}"


def from_template(file: BinaryIO, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """The messages of a Django template. What `templatize` returns is Python, but for its indentation."""
    code = "\n".join(line.lstrip() for line in templatize(file.read().decode()).splitlines())
    yield from extract_python(io.BytesIO(code.encode()), keywords, comment_tags, options)


METHODS = [("**.py", "python"), ("**/templates/**", f"{__name__}:from_template")]


def extracted() -> Catalog:
    """The messages of code and templates, each with the files that have it."""
    catalogue = Catalog()
    for source in SOURCES:
        found = extract_from_dir(ROOT / source, METHODS, keywords=KEYWORDS, comment_tags=["Translators:"])
        for name, _line, message, comments, context in found:
            catalogue.add(message, locations=[(f"{source}/{name}", 0)], auto_comments=comments, context=context)
    return catalogue


def stored(language: str) -> Catalog:
    """The catalogue of a language as its .po file has it; empty for a new language."""
    path = file_of(language, "po")
    if not path.exists():
        return Catalog(locale=to_locale(language))
    with path.open("rb") as file:
        return read_po(file, locale=to_locale(language))


def text_of(catalogue: Catalog) -> bytes:
    """The .po file."""
    file = io.BytesIO()
    write_po(file, catalogue, width=100, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return NOT_KEPT.sub(b"", file.getvalue())


def compiled(catalogue: Catalog) -> bytes:
    """The .mo file."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def messages_of(mo: bytes) -> dict[Any, str]:
    """What a .mo file translates; without its header, which names the version of Babel."""
    texts = GNUTranslations(io.BytesIO(mo))._catalog  # type: ignore[attr-defined]  # no public name
    return {key: text for key, text in texts.items() if key}


def update() -> None:
    """Bring the messages of the sources into each catalogue, and compile it."""
    for language in languages():
        catalogue = stored(language)
        catalogue.header_comment, catalogue.fuzzy = "", False
        catalogue.update(extracted(), no_fuzzy_matching=True)
        po, mo = file_of(language, "po"), file_of(language, "mo")
        po.parent.mkdir(parents=True, exist_ok=True)
        po.write_bytes(text_of(catalogue))
        compiled_anew = compiled(catalogue)
        if not mo.exists() or messages_of(mo.read_bytes()) != messages_of(compiled_anew):
            mo.write_bytes(compiled_anew)
        missing = [str(message.id) for message in catalogue if message.id and not all(message.string or [""])]
        print(f"{language}: {len(catalogue)} messages, {len(missing)} without a translation")  # noqa: T201


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    update()

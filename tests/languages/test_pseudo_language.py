"""Every message comes out of the catalogues, in the language of the moment."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.utils import translation
from django.utils.functional import Promise

from accounts.errors import AccountsError
from accounts.failures import FAILURES
from accounts.guard.events import EventType
from accounts.guard.messages import MESSAGES, message_of
from accounts.guard.models import SecurityEvent
from tests.documents import ROOT
from tests.languages.pseudo import BEGIN, END

EAGER = {"gettext", "ngettext", "pgettext", "npgettext"}


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.code)
def test_the_message_of_each_failure_is_translated(failure: type[AccountsError], pseudo_language):
    """Where it is shown, not where it is imported."""
    with translation.override(pseudo_language):
        message = str(failure.default_message)

    assert isinstance(failure.default_message, Promise)
    assert message.startswith(BEGIN)


@pytest.mark.parametrize("event", EventType)
def test_the_message_of_each_event_is_translated(event: EventType, pseudo_language):
    """How often it happened, too."""
    with translation.override(pseudo_language):
        message = message_of(SecurityEvent(type=event, count=3))

    assert isinstance(MESSAGES[event], Promise)
    assert message.count(BEGIN) == message.count(END) == 2
    assert "3" in message


def labels() -> Iterator[tuple[str, object]]:
    """The words of our models that the administration shows. Those of DOT and Django have catalogues of their own."""
    for model, page in admin.site._registry.items():
        if model._meta.app_label != "accounts":
            continue
        yield model.__name__, model._meta.verbose_name
        yield f"{model.__name__}, plural", model._meta.verbose_name_plural
        shown = {
            *page.list_display,
            *(page.fields or [field.name for field in model._meta.local_fields if field.editable]),
        }
        for field in model._meta.local_fields:
            if field.name in shown:
                yield f"{model.__name__}.{field.name}", field.verbose_name
                yield f"{model.__name__}.{field.name}, help", field.help_text


def test_the_words_of_models_are_translated():
    """A name that Django makes of a field's is in English for all."""
    untranslated = [name for name, label in labels() if label and not isinstance(label, Promise)]

    assert untranslated == []


def eager_calls(path: Path) -> Iterator[str]:
    """The calls of gettext that run when the module is imported."""
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            yield from (
                f"{path}: {name.name} as {name.asname}" for name in node.names if name.name in EAGER and name.asname
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EAGER:
            yield f"{path}:{node.lineno}"
        waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("package", ["accounts", "project", "schema"])
def test_nothing_is_translated_at_import(package):
    """It would be in the language of whichever request comes first. `_` is always the lazy one."""
    found = [call for path in (ROOT / package).rglob("*.py") for call in eager_calls(path)]

    assert found == []

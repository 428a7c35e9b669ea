"""All that is stored, for tests of what must not be."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import Model

from accounts.guard.models import SecurityEvent


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models(include_auto_created=True)
    }


@contextlib.contextmanager
def nothing_changes(*but: type[Model]) -> Iterator[None]:
    """No account, identity, token or last_login more or other than before; asserted at the end.

    Except security events, as a refusal is recorded, and rows of these models.
    """
    left_out = {model._meta.label for model in (SecurityEvent, *but)}
    before = everything()
    yield
    assert _without(everything(), left_out) == _without(before, left_out)


def _without(rows: dict[str, list[dict[str, Any]]], left_out: set[str]) -> dict[str, list[dict[str, Any]]]:
    return {label: found for label, found in rows.items() if label not in left_out}

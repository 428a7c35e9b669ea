"""All that is stored, for tests of what must not be."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps

from accounts.guard.models import SecurityEvent


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models(include_auto_created=True)
    }


@contextlib.contextmanager
def nothing_changes() -> Iterator[None]:
    """No account, identity, token or last_login more or other than before; asserted at the end.

    Except security events: a refusal is recorded.
    """
    before = _but_events()
    yield
    assert _but_events() == before


def _but_events() -> dict[str, list[dict[str, Any]]]:
    return {label: rows for label, rows in everything().items() if label != SecurityEvent._meta.label}

"""All that is stored, for tests of what must not be."""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models(include_auto_created=True)
    }


@contextlib.contextmanager
def nothing_changes() -> Iterator[None]:
    """No account, identity, token or last_login more or other than before; asserted at the end."""
    before = everything()
    yield
    assert everything() == before

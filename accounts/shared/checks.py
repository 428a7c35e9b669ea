"""System checks of service-wide settings."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

LOCAL_MEMORY = "django.core.cache.backends.locmem.LocMemCache"


@register(Tags.caches)
def workers_share_a_cache(**_kwargs: Any) -> list[CheckMessage]:
    """Several workers need a shared cache: a local-memory cache is private to its process."""
    workers = getattr(settings, "WORKERS", 1)
    if workers > 1 and settings.CACHES["default"]["BACKEND"] == LOCAL_MEMORY:
        return [
            Error(
                f"{workers} workers, but each has a local-memory cache of its own.",
                hint="Set CACHE_URL (redis://…), or WORKERS=1.",
                id="accounts.E001",
            )
        ]
    return []


@register(Tags.compatibility)
def variables_are_read(**_kwargs: Any) -> list[CheckMessage]:
    """Warn about misspelt environment variables, which would otherwise be ignored silently."""
    return [
        checks.Warning(
            f"{name} is set but not used.",
            hint=f"Did you mean {suggestion}?" if suggestion else "docs/settings.md lists what is read.",
            id="accounts.W001",
        )
        for name, suggestion in sorted(getattr(settings, "UNREAD_VARIABLES", {}).items())
    ]

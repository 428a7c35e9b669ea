"""System checks: combinations of settings that are not safe."""

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import latchkey

LOCAL_MEMORY = "django.core.cache.backends.locmem.LocMemCache"


@register(Tags.caches)
def workers_share_a_cache(**_kwargs: Any) -> list[CheckMessage]:
    """With several processes, a cache in one's own memory counts and remembers for itself only."""
    workers = getattr(settings, "WORKERS", 1)
    if workers > 1 and settings.CACHES["default"]["BACKEND"] == LOCAL_MEMORY:
        return [
            Error(
                f"{workers} workers, each with a cache of its own.",
                hint="Set CACHE_URL (redis://…), or WORKERS=1.",
                id="accounts.E001",
            )
        ]
    return []


@register(Tags.security)
def lifetimes_make_sense(**_kwargs: Any) -> list[CheckMessage]:
    """Access shorter than idle, idle no longer than the session; all positive."""
    own = latchkey()
    ordered = 0 < own.access_token_lifetime < own.refresh_token_idle_lifetime <= own.session_lifetime
    if ordered and 0 <= own.access_token_jitter < own.access_token_lifetime:
        return []
    return [
        Error(
            "The lifetimes of tokens and sessions contradict each other.",
            hint="ACCESS_TOKEN_JITTER < ACCESS_TOKEN_LIFETIME < REFRESH_TOKEN_IDLE_LIFETIME <= SESSION_LIFETIME.",
            id="accounts.E002",
        )
    ]


@register(Tags.security, deploy=True)
def providers_are_asked_over_tls(**_kwargs: Any) -> list[CheckMessage]:
    """What a provider says of a person signs that person in: it must not be said in the clear."""
    own = latchkey()
    plain = [
        f"{provider.name} {name}"
        for provider in own.providers
        for name, url in {"issuer": provider.issuer, **asdict(provider.endpoints)}.items()
        if url and not url.startswith("https://")
    ]
    if not plain or own.private_providers:
        return []
    return [Error(f"Asked without TLS: {', '.join(plain)}.", hint="Set https URLs.", id="accounts.E003")]

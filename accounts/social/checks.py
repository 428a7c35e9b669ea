"""System checks of providers."""

from dataclasses import asdict
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import latchkey


@register(Tags.security, deploy=True)
def providers_are_asked_over_tls(**_kwargs: Any) -> list[CheckMessage]:
    """A provider's answer signs a person in, so it must not travel in the clear."""
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


@register(Tags.security)
def trusted_providers_exist(**_kwargs: Any) -> list[CheckMessage]:
    """A name that no provider has would ask people for a second factor who have shown one there."""
    own = latchkey()
    unknown = [name for name in own.mfa_trusted_providers if name not in {provider.name for provider in own.providers}]
    if not unknown:
        return []
    return [
        Error(
            f"MFA_TRUSTED_PROVIDERS names providers that are not configured: {', '.join(unknown)}.",
            hint=f"Configured are: {', '.join(provider.name for provider in own.providers) or 'none'}.",
            id="accounts.E006",
        )
    ]

"""System checks of the limits."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.cache import caches
from django.core.checks import CheckMessage, Tags, register

from accounts.conf import Rate, latchkey
from accounts.guard.limits import Action, Line
from accounts.shared.scripts import ScriptableCache


@register(Tags.security, deploy=True)
def clients_have_addresses(**_kwargs: Any) -> list[CheckMessage]:
    """Warn if all clients would have the address of a proxy, which is then nobody's (S73)."""
    if settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "No proxy is trusted, so limits for each address do not work for requests from private addresses.",
            hint="Set TRUSTED_PROXIES to the networks of your proxies. They must append to X-Forwarded-For.",
            id="accounts.W002",
        )
    ]


@register(Tags.caches)
def processes_share_the_limits(**_kwargs: Any) -> list[CheckMessage]:
    """Warn if several processes limit attempts each by itself."""
    if settings.WORKERS == 1 or isinstance(caches["default"], ScriptableCache):
        return []
    return [
        checks.Warning(
            f"{settings.WORKERS} workers limit attempts each by itself.",
            hint="Set CACHE_URL to a Redis (redis://…), or WORKERS=1.",
            id="accounts.W003",
        )
    ]


@register(Tags.security)
def no_address_locks_an_account(**_kwargs: Any) -> list[CheckMessage]:
    """Warn if one address could use up what all addresses together may try on an account (S53)."""
    rates = latchkey().rate_limits
    weak = []
    for action in Action:
        account, name = rates.get(f"{action}.{Line.ACCOUNT}"), f"{action}.{Line.ACCOUNT_ADDRESS}"
        if account and name in rates and not _is_stricter(rates[name], account):
            weak.append(action.value)
    if not weak:
        return []
    return [
        checks.Warning(
            f"RATE_LIMITS lets one address lock others out of an account: {', '.join(weak)}.",
            hint="Give `account_address` fewer attempts than `account`, at once and in the long run.",
            id="accounts.W004",
        )
    ]


def _is_stricter(rate: Rate | None, other: Rate) -> bool:
    return (
        rate is not None
        and rate.attempts < other.attempts
        and rate.attempts / rate.seconds < other.attempts / other.seconds
    )

"""Builds the failures of a provider: one public message, and the cause for the log and for developers."""

import logging

from django.utils.functional import Promise

from accounts.social.errors import ProviderRejected, ProviderUnavailable

log = logging.getLogger("accounts.social")


def rejected(
    provider: str, cause: str, *, field: tuple[str, ...], message: str | Promise | None = None
) -> ProviderRejected:
    """Build the exception for the caller to raise; `cause` is logged, and shown in development."""
    log.info("%s rejected: %s", provider, cause)
    return ProviderRejected(message, field=field, hint=f"{provider}: {cause}")


def unavailable(provider: str, cause: str, *, message: str | Promise | None = None) -> ProviderUnavailable:
    """Build the exception for the caller to raise; `cause` is logged, and shown in development."""
    log.warning("%s unavailable: %s", provider, cause)
    return ProviderUnavailable(message, hint=f"{provider}: {cause}")

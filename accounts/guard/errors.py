"""Failures of limits."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountsError


class RateLimited(AccountsError):
    """Too many attempts: wait `retryAfter` seconds."""

    code: ClassVar[str] = "RATE_LIMITED"
    default_message = _("Too many attempts. Wait a moment, then try again.")
    counts = False  # nothing was attempted

    def __init__(self, *, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
        """Seconds until the next attempt can succeed; at least 1."""

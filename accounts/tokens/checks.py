"""System checks of lifetimes."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import latchkey


@register(Tags.security)
def lifetimes_make_sense(**_kwargs: Any) -> list[CheckMessage]:
    """Check that lifetimes are positive, access is shorter than idle, and idle no longer than the session."""
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

"""Who calls, as far as the network tells."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The address and the self-description of a client, kept with its session."""

    ip_address: str | None = None
    user_agent: str = ""

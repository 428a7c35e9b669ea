"""Who calls, as far as the network tells."""

import contextlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

LONGEST_USER_AGENT = 255


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The address and the self-description of a client, kept with its session."""

    ip_address: str | None = None
    user_agent: str = ""
    end_user: "Caller | None" = None
    """For whom it says to ask. Counts only from an authenticated client that is trusted with it (S64)."""

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> Self:
        """The caller of a request, by its WSGI environment."""
        stated = meta.get("HTTP_END_USER_IP")
        return cls(
            ip_address=meta.get("REMOTE_ADDR") or None,
            user_agent=_user_agent(meta.get("HTTP_USER_AGENT")),
            end_user=Caller(ip_address=_address(stated), user_agent=_user_agent(meta.get("HTTP_END_USER_AGENT")))
            if stated
            else None,
        )


def _user_agent(value: object) -> str:
    return str(value or "").replace("\0", "")[:LONGEST_USER_AGENT]


def _address(value: object) -> str | None:
    """In its one spelling; None for what is no address, or one of somebody's own link."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(str(value).strip())) if "%" not in str(value) else None
    return None

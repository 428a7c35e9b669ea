"""The network address and user agent of a caller, and the mark of its browser."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

LONGEST_USER_AGENT = 255
LONGEST_ADDRESS = 200
FORWARDED_FOR = re.compile(r"""(?:^|;)\s*for\s*=\s*("[^"]*"|[^;]*)""", re.IGNORECASE)
BRACKETED = re.compile(r"\[([^]]*)\](?::[\w.-]*)?")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The address and user agent of a client, stored with its session."""

    ip_address: str | None = None
    user_agent: str = ""
    end_user: "Caller | None" = None
    """The end user that a server-side client names. Used only for an authenticated, trusted client (S64)."""
    browser_token: str = field(default="", repr=False)
    """The token of the cookie of a remembered browser, if one of our pages asks."""

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> Self:
        """Read the caller from the WSGI environment of its request."""
        end_user_ip = meta.get("HTTP_END_USER_IP")
        return cls(
            ip_address=address_of(meta.get("REMOTE_ADDR") or ""),
            user_agent=_user_agent(meta.get("HTTP_USER_AGENT")),
            end_user=Caller(ip_address=address_of(end_user_ip), user_agent=_user_agent(meta.get("HTTP_END_USER_AGENT")))
            if end_user_ip
            else None,
        )


def _user_agent(value: object) -> str:
    return str(value or "").replace("\0", "")[:LONGEST_USER_AGENT]


def address_of(text: str) -> str | None:
    """The IP address in a header value, in canonical form; None if there is no valid one, or if it has a zone.

    Proxies write it bare, with a port, in brackets, in quotes, or as an element of `Forwarded` (RFC 7239):
    `203.0.113.9:4711`, `[2001:db8::1]:4711`, `for="[2001:db8::1]";proto=https`.
    """
    if len(text) > LONGEST_ADDRESS:
        return None
    if element := FORWARDED_FOR.search(text):
        text = element[1]
    text = text.strip(' \t"')
    if bracketed := BRACKETED.fullmatch(text):
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        # Dual-stack sockets report IPv4 addresses as IPv4-mapped IPv6.
        return str(address.ipv4_mapped or address)
    return str(address)

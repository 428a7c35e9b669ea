"""Which peers are our proxies: TRUSTED_PROXIES, a number of them or their networks."""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from accounts.shared.caller import address_of

UNIX = "unix"
"""In the setting: whoever connects through a Unix socket."""
MOST_PROXIES = 32


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The networks that only our proxies have addresses in."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    unix: bool = False
    """Whether peers without an address, those of Unix sockets, are proxies too."""

    def has(self, peer: str) -> bool:
        """Whether this is a proxy: REMOTE_ADDR, or an entry that a proxy has appended to a header."""
        if peer in {"", f"{UNIX}:"}:  # as nginx writes it
            return self.unix
        address = address_of(peer)
        # Networks of the other version contain nothing of this one.
        return address is not None and any(ipaddress.ip_address(address) in network for network in self.networks)

    def __str__(self) -> str:
        return ",".join([*map(str, self.networks), *([UNIX] if self.unix else [])])


Trust = int | Networks
"""A number counts the proxies that each request passes: then every peer is one of them."""


def trusted(text: str) -> Trust:
    """The number, or the networks between commas: `10.0.0.0/8, fd00::/8, 192.0.2.7, unix`. Raises ValueError."""
    if re.fullmatch(r"\s*\+?[0-9]{1,10}\s*", text):
        if int(text) > MOST_PROXIES:
            raise ValueError(f"is more than {MOST_PROXIES} proxies.")
        return int(text)
    items = [item for part in text.split(",") if (item := part.strip())]
    networks = tuple(_network(item) for item in items if item != UNIX)
    if not items:
        raise ValueError("is neither a number nor a list of networks.")
    return Networks(networks=networks, unix=UNIX in items)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ipaddress.ip_network(text if "%" not in text else "")
    except ValueError:
        raise ValueError(
            f"is neither a number from 0 to {MOST_PROXIES} nor a list of networks such as 10.0.0.0/8,fd00::/8,unix. A"
            " network has no bits after its prefix."
        ) from None
    if network.prefixlen == 0:
        raise ValueError("has a network of all addresses: anybody could state any address.")
    return network

"""Tell the holder of an account that somebody signed in from a device that was never seen there.

There is no cookie that marks a device. It is known by the readable name of its browser or app, and by its network: the
/24 of an IPv4 address, the /48 of an IPv6 one. Both have to be those of one earlier sign-in, among the account's newest
RECENT security events. So the holder is told once for each browser at each place. Once somebody was thrown out of the
account, what signed in before is not known any more.
"""

import ipaddress
import re
import uuid
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from accounts.guard import events
from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.shared.statements import Select, parameter
from accounts.tokens.agents import CACHED, device_name
from accounts.tokens.models import Client

RECENT = 200
"""Events of all types, so that no flood of refusals makes the statement dear. One that pushes the sign-ins out of sight
causes a notice, and hides none."""
READ_FIRST = 10
"""Most sign-ins come from a device that is among these. To read all the others costs twice as much as to look at it."""
LONGEST_NAME = 60
INTRUDER_GONE = frozenset({EventType.TAKEN_OVER, EventType.SECURED, EventType.EMAIL_CHANGE_UNDONE})
PLAIN_NAME = re.compile(rf"[A-Za-z0-9 +_-]{{1,{LONGEST_NAME}}}")
"""Some names repeat a word of the agent, which whoever signs in chose: no dot, colon or slash makes a link of it."""


def tell_if_new(account: Account, *, client: Client, caller: Caller) -> None:
    """Queue a notice if this sign-in is from a new device; call before the sign-in is recorded.

    Not for the first sign-in of an account, whose holder has just made it. One statement or two, and none for an
    unverified address, which gets no notices.
    """
    if account.last_login is None or not account.email_verified or _is_known(account.pk, caller):
        return
    notices.tell(
        account,
        Template.NEW_DEVICE,
        client_key=client.pk,
        device=plain_name(caller.user_agent),
        ip_address=caller.ip_address or "",
        client_name=client.name,
    )


def plain_name(user_agent: str) -> str:
    """The device's name, fit for a mail; empty for one that nobody knows, or that could pass for something else."""
    name = device_name(user_agent) or ""
    return name if PLAIN_NAME.fullmatch(name) else ""


def _is_known(account: uuid.UUID, caller: Caller) -> bool:
    network, name = _network(caller.ip_address), device_name(caller.user_agent)
    for type_, address, agent in _newest(account):
        if type_ in INTRUDER_GONE:
            return False
        # The network first: agents are parsed only if they came from there.
        if type_ == EventType.SIGNED_IN and _network(address) == network and device_name(agent) == name:
            return True
    return False


def _newest(account: uuid.UUID) -> Iterator[list[Any]]:
    """Type, address and agent of the account's newest events."""
    first = _first.rows(subject=account)
    yield from first
    if len(first) == READ_FIRST:
        yield from _others.rows(subject=account)


@lru_cache(maxsize=CACHED)
def _network(address: str | None) -> str:
    if not address:
        return ""
    ip = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))  # noqa: PLR2004


def _events(start: int, end: int) -> Select:
    subject: Any = parameter(SecurityEvent, "subject")
    return Select(
        SecurityEvent,
        lambda: events.of_account(subject).values_list("type", "ip_address", "user_agent")[start:end],
    )


_first, _others = _events(0, READ_FIRST), _events(READ_FIRST, RECENT)

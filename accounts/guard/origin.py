"""Where the current request comes from, for the events that are recorded while it is served.

Passwords change and accounts are shut in many places (GraphQL, the administration, commands), and one mechanism below
them all records it. That mechanism has no request: it asks here.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from accounts.shared.caller import Caller

PROGRAM = "program:"
"""Begins the name of an operator's program where an event has a `client_id`. No OAuth client is named so."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who asks, and in which request. Empty in commands and tasks."""

    caller: Caller = field(default_factory=Caller)
    request_id: str = ""
    actor: uuid.UUID | None = None
    """The account that acts: the signed-in holder, or a member of staff."""
    client: str = ""
    """The `client_id` of the OAuth client, or PROGRAM and the name of an operator's program."""


_origin: ContextVar[Callable[[], Origin]] = ContextVar("origin", default=Origin)


def current() -> Origin:
    """The origin of what is done now."""
    return _origin.get()()


@contextlib.contextmanager
def serving(find: Callable[[], Origin]) -> Iterator[None]:
    """Serve a request. Its origin is found only when an event is recorded: most requests record none."""
    token = _origin.set(find)
    try:
        yield
    finally:
        _origin.reset(token)


def acts(actor: uuid.UUID, *, client: str = "") -> None:
    """Name the account that acts, and its client, until the request has been served. Does nothing outside a request."""
    find = _origin.get()
    if find is not Origin:
        _origin.set(lambda: replace(find(), actor=actor, client=client))


@contextlib.contextmanager
def acting(actor: uuid.UUID | None = None, *, client: str = "", caller: Caller | None = None) -> Iterator[None]:
    """Name the account, the client or the caller that acts, until the block ends. What is not given stays."""
    find = _origin.get()

    def known() -> Origin:
        now = find()
        return replace(now, actor=actor or now.actor, client=client or now.client, caller=caller or now.caller)

    with serving(known):
        yield

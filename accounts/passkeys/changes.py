"""What all changes of passkeys have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens.api import Bearer


@contextmanager
def changing(bearer: Bearer | None, caller: Caller) -> Iterator[Callable[[Account], None]]:
    """Record a refusal of the body. It yields a function that names the account once it is known."""
    accounts = [bearer.account] if bearer else []
    client = bearer.client_name if bearer else ""
    with events.failures(
        EventType.FACTOR_CHANGE_FAILED,
        subject=lambda: accounts[-1].pk if accounts else None,
        client=client,
        caller=caller,
    ):
        yield accounts.append

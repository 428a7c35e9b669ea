"""Attempts of strangers that name an address: limited before they cost anything, and recorded if they fail."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from accounts.guard import events, limits
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.shared.statements import Select, parameter


@contextmanager
def attempt(
    action: Action,
    failure: EventType,
    *,
    address: str,
    caller: Caller,
    client: str = "",
    method: str = "",
    proves: bool = True,
) -> Iterator[None]:
    """Reserve an attempt that names this canonical address, and record its failure. Raises RateLimited.

    `method` is that of a sign-in, for the metrics; `proves` as in `limits.attempt`.

    Whether the address is known makes no difference to the limits, the statements or the response (S1, S2).
    """
    with (
        events.failures(
            failure, subject=lambda: _holder_of(address), named=address, client=client, caller=caller, method=method
        ),
        limits.attempt(action, account=address, caller=caller, client=client, proves=proves),
    ):
        yield


def _holder_of(address: str) -> uuid.UUID | None:
    """The account of the address, also a disabled one; one statement in either case."""
    # PostgreSQL text cannot hold NUL.
    (key,) = _key_by_address.first(email=address.replace("\0", "")) or (None,)
    return key


_key_by_address = Select(Account, lambda: Account.objects.filter(email=parameter(Account, "email")).values_list("pk"))

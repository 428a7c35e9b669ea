"""Transactions of sign-ins that may have to wait for one more step."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from accounts.challenges.errors import ChallengeRequired


@contextmanager
def keeping_steps() -> Iterator[None]:
    """A transaction that commits although the sign-in has to wait: the steps so far are done, and cannot be repeated.

    In an ordinary one the challenge would be rolled back, with the step before it: then nobody is signed in.
    """
    waits: ChallengeRequired | None = None
    with transaction.atomic():
        try:
            yield
        except ChallengeRequired as error:
            waits = error
    if waits is not None:
        raise waits

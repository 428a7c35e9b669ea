"""Signals for the rooms that depend on this one."""

from django.dispatch import Signal

sessions_ending = Signal()
"""All sessions of these accounts must end (S82).

Sent with `accounts`, the primary keys of at most BATCH accounts, in the transaction that changes them and after their
rows are locked. `keep` is the one session that continues, or None. A receiver deletes their tokens and codes; an
exception from a receiver rolls the change back.
"""

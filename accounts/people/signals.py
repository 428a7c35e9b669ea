"""Signals for the rooms that depend on this one."""

from django.dispatch import Signal

sessions_ending = Signal()
"""All sessions of these accounts must end (S82).

Sent with `accounts`, the primary keys of at most BATCH accounts, in the transaction that changes them and after their
rows are locked. `keep` is the one session that continues, or None. A receiver deletes their tokens and codes; an
exception from a receiver rolls the change back.
"""

handing_over = Signal()
"""A never-verified account goes to whoever has proved its mailbox (S9, S85, S87).

Sent with `account`, whose row is locked, in the transaction that replaces its password. A receiver deletes what could
open the account before: identities, pending steps, mailed codes.
"""

voiding_additions = Signal()
"""The holder of an account says that a change was not theirs.

Sent with `account`, whose row is locked, and `since`, an instant. A receiver deletes what is pending, and the ways to
sign in that were added at or after it.
"""

"""Signals for the rooms that depend on this one."""

from django.dispatch import Signal

registration_confirmed = Signal()
"""The address of a registration through a provider was confirmed, and its account was created.

Sent with `account` and `identity`, in the transaction that created it. `identity` is what the room that began the
registration gave to `pending.begin`. A receiver links it, or raises InvalidChallenge if that is not possible any more.
"""

"""Signals for the rooms that depend on this one."""

from django.dispatch import Signal

signing_in = Signal()
"""A holder has shown who they are, and a session is about to begin.

Sent with `account`, `grant`, `caller`, `methods` and `is_new`, as `issue` has them, before anything is written. A
receiver makes the sign-in wait for one more step by raising ChallengeRequired. What it stored for that is kept only in
`challenges.transactions.keeping_steps`, or outside all transactions. It returns true if it lets the sign-in pass only
because the browser is remembered (`caller.browser_token`).
"""

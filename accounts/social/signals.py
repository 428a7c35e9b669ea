"""Signals for receivers of a deployment."""

from django.dispatch import Signal

social_signed_in = Signal()
"""Sent when an account signed in through a provider, or linked an identity, with a fresh credential.

Receivers get `account`, `provider` (its name) and `answer`: the provider's tokens and claims, for use with its other
APIs, such as Drive or Calendar. Latchkey stores none of them, so this is the only chance to read them. A receiver runs
within the request and must be quick; an exception in it is logged, and does not undo the sign-in.
"""

"""What a deployment can listen to."""

from django.dispatch import Signal

social_signed_in = Signal()
"""Somebody signed in through a provider, or linked an identity, with a fresh credential.

Receivers get `account`, `provider` (its name) and `answer`: the tokens and claims as the provider gave them, for those
who need its other APIs, such as Drive or Calendar. This is the only time they are shown: Latchkey stores none of them.
A receiver runs within the request and must be quick; what it raises is logged, and does not undo the sign-in.
"""

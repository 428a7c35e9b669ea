"""The step of a sign-in that waits for the confirmation of the address."""

from dataclasses import dataclass, field

VERIFY_EMAIL = "VERIFY_EMAIL"
"""The kind of this challenge."""
EPOCH = "epoch"
"""The key of an account's session epoch in the data of its challenge."""
METHODS = "methods"
"""The key of what an account's sign-in has shown before."""
FACTOR_BY = "factor_by"
"""The key of the provider that says it has asked for a second factor; empty if none does."""


@dataclass(frozen=True, kw_only=True)
class EmailVerificationChallenge:
    """A mail is on its way to the address: the code in it finishes the sign-in. The duration is in seconds."""

    token: str = field(repr=False)
    expires_in: int
    email: str

"""Failures of challenges."""

from accounts.errors import AccountsError


class ChallengeRequired(AccountsError):
    """The sign-in needs another step. `challenge` describes it, if the caller may know; otherwise it is None."""

    counts = False  # the credential was right

    def __init__(self, challenge: object | None = None) -> None:
        super().__init__()
        self.challenge = challenge

"""Failures of challenges."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountsError


class ChallengeRequired(AccountsError):
    """The sign-in needs another step. `challenge` describes it, if the caller may know; otherwise it is None."""

    counts = False  # the credential was right

    def __init__(self, challenge: object | None = None) -> None:
        super().__init__()
        self.challenge = challenge


class InvalidChallenge(AccountsError):
    """The challenge is unknown, already answered or expired. Start over."""

    code = "INVALID_CHALLENGE"
    default_message = _("This took too long or was already finished. Please start over.")

"""Failures that ask for one more step."""

from django.utils.translation import gettext_lazy as _

from accounts.challenges.errors import ChallengeRequired


class MfaRequired(ChallengeRequired):
    """A second factor is needed: see MfaChallenge. In `reauthenticate`: show one, in another call."""

    code = "MFA_REQUIRED"
    default_message = _("Please confirm with your second factor.")


class MfaEnrollmentRequired(ChallengeRequired):
    """A second factor must be set up first: see MfaEnrollmentChallenge."""

    code = "MFA_ENROLLMENT_REQUIRED"
    default_message = _("Please set up a second factor first.")

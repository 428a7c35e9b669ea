"""The sign-in page of the administration."""

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.models import Account

NOT_STAFF = "not staff"
"""The cause of a refusal."""


class SignInForm(AdminAuthenticationForm):
    """Django's form, which records that somebody knew the password of an account that may not enter.

    Otherwise the page would confirm stolen passwords and leave no trace. Other failures are recorded by the backend.
    """

    def confirm_login_allowed(self, user: Account) -> None:
        """As Django: refuse accounts that are not staff."""
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            events.record_failure(EventType.SIGN_IN_FAILED, subject=user.pk, cause=NOT_STAFF)
            raise

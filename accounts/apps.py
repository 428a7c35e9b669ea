"""The accounts app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Accounts, clients, sessions."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Register the system checks, and the receivers of signals, which commands send too."""
        # Importing registers them.
        from accounts import checks  # noqa: F401, PLC0415
        from accounts.challenges import steps  # noqa: F401, PLC0415
        from accounts.factors import forgetting  # noqa: F401, PLC0415
        from accounts.login_codes import sign_in  # noqa: F401, PLC0415
        from accounts.mails import codes  # noqa: F401, PLC0415
        from accounts.mfa import gate  # noqa: F401, PLC0415
        from accounts.passwords import old_addresses  # noqa: F401, PLC0415
        from accounts.social import confirmed, displacement  # noqa: F401, PLC0415

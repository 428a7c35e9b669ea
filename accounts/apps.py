"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts, clients, sessions."""

    name = "accounts"

    def ready(self) -> None:
        """Register the system checks, and the receivers of signals, which commands send too."""
        # Importing registers them.
        from accounts import checks  # noqa: F401, PLC0415
        from accounts.challenges import steps  # noqa: F401, PLC0415
        from accounts.login_codes import sign_in  # noqa: F401, PLC0415
        from accounts.mails import codes  # noqa: F401, PLC0415
        from accounts.passwords import old_addresses  # noqa: F401, PLC0415
        from accounts.social import confirmed, displacement  # noqa: F401, PLC0415

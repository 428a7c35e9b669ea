"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts, clients, sessions."""

    name = "accounts"

    def ready(self) -> None:
        """Register the system checks."""
        from accounts import checks  # noqa: F401, PLC0415 - importing registers them

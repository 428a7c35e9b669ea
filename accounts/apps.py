"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts, clients, sessions."""

    name = "accounts"

    def ready(self) -> None:
        """Register the system checks, and what hears of new passwords in commands too."""
        from accounts import checks  # noqa: F401, PLC0415 - importing registers them
        from accounts.passwords import attempts  # noqa: F401, PLC0415 - and this

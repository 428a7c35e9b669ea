"""The GraphQL API as a Django app: it has checks, and no models."""

from django.apps import AppConfig


class SchemaConfig(AppConfig):
    """Queries and mutations."""

    name = "schema"

    def ready(self) -> None:
        """Register the system checks."""
        from schema import checks  # noqa: F401, PLC0415 - registering is what importing does

"""Migrations that add an index while the service goes on."""

from typing import Any

from django.db.migrations import AddIndex


class AddIndexOnline(AddIndex):
    """Adds an index while the table is read and written. Only PostgreSQL can: SQLite locks the table meanwhile.

    First deletes the index that an interrupted attempt has left: each write would cost its maintenance, for no use.
    Its migration needs `atomic = False`: PostgreSQL builds no index concurrently in a transaction.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            if schema_editor.connection.vendor == "postgresql":
                schema_editor.remove_index(model, self.index, concurrently=True)
            schema_editor.add_index(model, self.index, **_how(schema_editor))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop the index."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, **_how(schema_editor))


def _how(schema_editor: Any) -> dict[str, bool]:
    return {"concurrently": True} if schema_editor.connection.vendor == "postgresql" else {}

from typing import Any

from django.db import migrations, models


class AddIndexOnline(migrations.AddIndex):
    """Adds an index while the table is read and written. Only PostgreSQL can: SQLite locks the table meanwhile.

    First deletes the index that an interrupted attempt has left: each write would cost its maintenance, for no use.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            if schema_editor.connection.vendor == "postgresql":
                schema_editor.remove_index(model, self.index, concurrently=True)
            schema_editor.add_index(model, self.index, **how(schema_editor))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, **how(schema_editor))


def how(schema_editor: Any) -> dict[str, bool]:
    return {"concurrently": True} if schema_editor.connection.vendor == "postgresql" else {}


class Migration(migrations.Migration):
    """The service may go on meanwhile, also in the former release."""

    # PostgreSQL builds no index concurrently in a transaction.
    atomic = False

    dependencies = [
        ("accounts", "0010_mails"),
    ]

    operations = [
        AddIndexOnline(
            model_name="account",
            index=models.Index(
                models.F("date_joined").desc(),
                models.F("id").desc(),
                condition=models.Q(is_active=True),
                name="account_active_newest_first",
            ),
        ),
    ]

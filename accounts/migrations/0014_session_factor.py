from django.db import migrations, models


class Migration(migrations.Migration):
    """Sends no SQL: the column is there since 0012."""

    dependencies = [
        ("accounts", "0013_username_order"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    model_name="session",
                    name="factor_proved_at",
                    field=models.DateTimeField(editable=False, null=True, verbose_name="second factor shown"),
                ),
            ],
        ),
    ]

from django.db import migrations, models


def forget(apps, _schema_editor):  # type: ignore[no-untyped-def]
    """Challenges live for 15 minutes: who has one under way begins again."""
    apps.get_model("accounts", "Challenge").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0006_usernames"),
    ]

    operations = [
        migrations.RunPython(forget, migrations.RunPython.noop),
        migrations.RemoveField(
            model_name="challenge",
            name="provider",
        ),
        migrations.RenameField(
            model_name="challenge",
            old_name="claims",
            new_name="data",
        ),
        migrations.AlterField(
            model_name="challenge",
            name="kind",
            field=models.CharField(max_length=32),
        ),
        # Backwards this comes first: the former columns have no values for challenges of today.
        migrations.RunPython(migrations.RunPython.noop, forget),
    ]

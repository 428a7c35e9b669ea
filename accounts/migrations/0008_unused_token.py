from django.db import migrations, models


class Migration(migrations.Migration):
    """Pairs issued before count as used.

    Stop all processes of the former release first: they would record a first use in another place.
    """

    dependencies = [
        ("accounts", "0007_general_challenges"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="unused_token_id",
            field=models.BigIntegerField(editable=False, null=True, unique=True),
        ),
    ]

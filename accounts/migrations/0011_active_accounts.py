from django.db import migrations, models

from accounts.shared.online_indexes import AddIndexOnline


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

from django.db import migrations, models

from accounts.shared.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    """The service may go on meanwhile, also in the former release."""

    # PostgreSQL builds no index concurrently in a transaction.
    atomic = False

    dependencies = [
        ("accounts", "0012_second_factors"),
    ]

    operations = [
        AddIndexOnline(
            model_name="account",
            index=models.Index(
                models.F("username_key"),
                models.F("id"),
                condition=models.Q(is_active=True),
                name="account_active_by_username",
            ),
        ),
    ]

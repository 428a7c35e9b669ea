import unicodedata
from typing import Any

import accounts.people.usernames
from django.db import migrations, models


def rekey(apps: Any, _schema_editor: Any) -> None:
    """Compare stored usernames as new ones are. Where somebody else's looks the same by now, both keep their names."""
    rows = apps.get_model("accounts", "Account").objects
    for pk, username, key in rows.values_list("pk", "username", "username_key").iterator():
        if username.isascii():
            continue
        changes = {}
        if (stored := unicodedata.normalize("NFC", username)) != username and len(stored) <= 150:
            changes["username"] = stored
        new = accounts.people.usernames.username_key(username)
        if new != key and len(new) <= 150 and not rows.filter(username_key=new).exclude(pk=pk).exists():
            changes["username_key"] = new
        if changes:
            rows.filter(pk=pk).update(**changes)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_hash_cost'),
    ]

    operations = [
        migrations.AlterField(
            model_name='account',
            name='username',
            field=models.CharField(error_messages={'unique': 'An account with this username already exists.'}, max_length=150, validators=[accounts.people.usernames.validate_username], verbose_name='username'),
        ),
        migrations.RunPython(rekey, migrations.RunPython.noop, elidable=True),
    ]

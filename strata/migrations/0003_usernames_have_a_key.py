"""A column for the key by which usernames are compared; 0004 fills it."""

from django.db import migrations

import strata.fields.names


class Migration(migrations.Migration):
    dependencies = (("strata", "0002_the_journal_stands"),)
    operations = (
        migrations.AddField(
            "user",
            "username_key",
            strata.fields.names.NameKeyField(default="", source="username"),
            preserve_default=False,
        ),
    )

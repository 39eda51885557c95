"""Usernames are unique by their key, on SQLite as on PostgreSQL."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("strata", "0004_fill_the_keys_of_usernames"),)
    operations = (
        migrations.AddConstraint(
            "user", models.UniqueConstraint(fields=("username_key",), name="user_one_for_each_name")
        ),
        migrations.RemoveConstraint("user", "user_name_unique_whatever_the_case"),
    )

"""A column for the key of a household's name, by which it is found."""

from django.db import migrations

from strata.fields.names import NameKeyField


class Migration(migrations.Migration):
    dependencies = (("portfolios", "0003_keys_and_currencies_go_by_code_point"),)
    operations = (
        migrations.AddField("household", "name_key", NameKeyField(default=""), preserve_default=False),
    )

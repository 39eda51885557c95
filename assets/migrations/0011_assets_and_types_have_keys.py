"""Columns for the keys by which assets and types are sorted by name; 0012 fills them."""

from django.db import migrations

from strata.fields.names import NameKeyField


class Migration(migrations.Migration):
    dependencies = (("assets", "0010_steps_of_all_types_have_an_index"),)
    operations = (
        migrations.AddField("asset", "name_key", NameKeyField(default=""), preserve_default=False),
        migrations.AddField(
            "assettype", "label_key", NameKeyField(default="", source="label"), preserve_default=False
        ),
    )

"""Set the key of each asset's name and of each type's label."""

from itertools import batched

from django.db import migrations

from strata.fields.names import name_key


def fill(apps, schema_editor):
    for model, name, key in (("Asset", "name", "name_key"), ("AssetType", "label", "label_key")):
        rows = apps.get_model("assets", model)._base_manager.using(schema_editor.connection.alias)
        for batch in batched(rows.only("pk", name).order_by("pk").iterator(), 500):
            for row in batch:
                setattr(row, key, name_key(getattr(row, name)))
            rows.bulk_update(batch, [key])


class Migration(migrations.Migration):
    dependencies = (("assets", "0011_assets_and_types_have_keys"),)
    operations = (migrations.RunPython(fill, migrations.RunPython.noop),)

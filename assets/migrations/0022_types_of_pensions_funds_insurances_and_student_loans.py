"""Four more shared types, and which of all types are liquid.

The journal has no entry of this: what a type was known to be before has the same answer.
Going back fails where an asset has one of the four types: give it another one first.
"""

from django.db import migrations

from assets.classification.seeds import shared_types

NEW = ("PENSION", "FUND", "INSURANCE", "STUDENT_LOAN")


def add(apps, schema_editor):
    types = apps.get_model("assets", "AssetType")._base_manager.using(schema_editor.connection.alias)
    types.filter(group="FINANCIAL").update(liquid=True)
    types.exclude(group__in=("FINANCIAL", "LIABILITIES")).update(liquid=False)
    for row in shared_types():
        if row["code"] in NEW:
            types.update_or_create(id=row["id"], defaults=row)
        else:
            types.filter(id=row["id"], group=row["group"]).update(liquid=row["liquid"])


def remove(apps, schema_editor):
    types = apps.get_model("assets", "AssetType")._base_manager.using(schema_editor.connection.alias)
    types.filter(id__in=[row["id"] for row in shared_types() if row["code"] in NEW]).delete()


class Migration(migrations.Migration):
    dependencies = (("assets", "0021_types_are_liquid_or_not"),)
    operations = (migrations.RunPython(add, remove),)

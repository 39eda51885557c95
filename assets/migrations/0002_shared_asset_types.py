"""The first sixteen shared asset types, with ids that are the same everywhere."""

from django.db import migrations

from assets.classification.seeds import shared_types

COLUMNS = ("id", "code", "label", "group", "kind", "stale_after_days")


def first_types():
    return [{name: row[name] for name in COLUMNS} for row in shared_types()[:16]]


def add(apps, schema_editor):
    types = apps.get_model("assets", "AssetType")
    using = schema_editor.connection.alias
    for row in first_types():
        types._base_manager.using(using).update_or_create(id=row["id"], defaults=row)


def remove(apps, schema_editor):
    types = apps.get_model("assets", "AssetType")
    ids = [row["id"] for row in first_types()]
    types._base_manager.using(schema_editor.connection.alias).filter(id__in=ids).delete()


class Migration(migrations.Migration):
    dependencies = (("assets", "0001_initial"),)
    operations = (migrations.RunPython(add, remove),)

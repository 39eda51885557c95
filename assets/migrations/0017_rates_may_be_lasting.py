"""Rates that hold until a newer one."""

from importlib import import_module

from django.db import migrations, models

triggers = import_module("assets.migrations.0006_rates_stand")


def stand_again(apps, schema_editor):
    """SQLite creates the table again to add a column, which drops its triggers; it drops a column in place."""
    if schema_editor.connection.vendor == "sqlite":
        triggers.create_triggers(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = (("assets", "0016_amounts_may_be_larger"),)
    operations = (
        migrations.AddField(
            "exchangerate",
            "lasting",
            models.BooleanField(
                default=False, help_text="It holds until a newer one, not only for the next days."
            ),
        ),
        migrations.AddIndex(
            "exchangerate",
            models.Index(
                condition=models.Q(("lasting", True)), fields=["currency", "on"], name="rate_that_lasts"
            ),
        ),
        migrations.RunPython(stand_again, migrations.RunPython.noop),
    )

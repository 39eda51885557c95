"""The journal has entries for a write of many rows: a longer word for the action, and how many rows there were.

SQLite does not bound the column, and would copy the whole journal for it, without its triggers.
"""

from django.db import migrations, models

ACTIONS = [
    ("create", "Create"),
    ("update", "Update"),
    ("delete", "Delete"),
    ("update_values", "Update Values"),
]


def lengthen(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE strata_change ALTER COLUMN action TYPE varchar(32)")


def keep(apps, schema_editor):
    """The column stays as long as it is: entries of batches cannot be changed."""


class Migration(migrations.Migration):
    dependencies = (("strata", "0012_change_becomes_journal_entry"),)
    operations = (
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(lengthen, keep)],
            [
                migrations.AlterField(
                    "JournalEntry", "action", models.CharField(choices=ACTIONS, max_length=32)
                )
            ],
        ),
        migrations.AddField("JournalEntry", "count", models.PositiveIntegerField(null=True)),
    )

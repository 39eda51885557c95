"""The journal says which request an entry undoes, and finds the entries of a request."""

from django.db import migrations, models
from django.db.models import Q

ACTIONS = [
    ("create", "Create"),
    ("update", "Update"),
    ("delete", "Delete"),
    ("update_values", "Update Values"),
    ("undo", "Undo"),
]


class Migration(migrations.Migration):
    dependencies = (("strata", "0015_language_and_formats_of_users"),)
    operations = (
        migrations.AddField("JournalEntry", "undo_of", models.CharField(max_length=64, null=True)),
        migrations.AlterField(
            "JournalEntry", "action", models.CharField(choices=ACTIONS, max_length=32)
        ),
        migrations.AddIndex(
            "JournalEntry",
            models.Index(fields=("request_id",), condition=~Q(request_id=""), name="change_of_request"),
        ),
        migrations.AddIndex(
            "JournalEntry",
            models.Index(
                fields=("object_id", "undo_of"), condition=Q(undo_of__isnull=False), name="change_that_undoes"
            ),
        ),
        migrations.AddIndex(
            "JournalEntry",
            models.Index(
                fields=("household_id", "model", "at"),
                condition=Q(undo_of__isnull=False, before__isnull=True),
                name="change_that_restores",
            ),
        ),
    )

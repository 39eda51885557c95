"""Entries are found by their write, and packed ones by the ids that they bound."""

from django.db import migrations, models
from django.db.models import Q

from strata.migrations._concurrently import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False
    dependencies = (("strata", "0019_forms_of_entries"),)
    operations = (
        AddIndexConcurrently(
            "JournalEntry",
            models.Index(fields=("write",), condition=Q(write__isnull=False), name="change_of_write"),
        ),
        AddIndexConcurrently(
            "JournalEntry",
            models.Index(
                fields=("object_id", "last_id"), condition=Q(packed__isnull=False), name="change_that_is_packed"
            ),
        ),
    )

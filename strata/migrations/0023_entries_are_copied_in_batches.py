"""Backwards, what 0019 puts in the place of the journal is copied before, in batches that can be interrupted."""

from django.db import migrations

from strata.migrations._entries_by_themselves import copy_entries, drop_copy


class Migration(migrations.Migration):
    atomic = False
    dependencies = (("strata", "0022_format_of_the_database"),)
    operations = (migrations.RunPython(drop_copy, copy_entries),)

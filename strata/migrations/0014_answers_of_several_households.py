"""The kept answer of a write in several households names all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("strata", "0013_entries_of_batches"),)
    operations = (migrations.AddField("IdempotentAnswer", "household_ids", models.JSONField(null=True)),)

"""Saved totals say which assets they leave out because a price is missing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("portfolios", "0013_methods_of_lots"),)
    operations = (
        # With a default in the database: the version before inserts saved totals without the column.
        migrations.AddField(
            "portfoliosnapshot",
            "missing_prices",
            models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
    )

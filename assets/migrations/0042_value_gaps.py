"""The gaps of values in a table of their own (docs/decisions/0036)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("assets", "0041_shares_of_assets"),)
    operations = (
        migrations.CreateModel(
            name="ValueGap",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "asset_id", "start_on",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                (
                    "asset",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+",
                        to="assets.asset",
                    ),
                ),
                ("start_on", models.DateField()),
                ("end_on", models.DateField(null=True)),
            ],
            options={"abstract": False},
        ),
    )  # fmt: skip

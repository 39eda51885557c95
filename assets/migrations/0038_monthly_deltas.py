"""The deltas of a month in one row (docs/decisions/0034)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (
        ("assets", "0037_transfers_and_chosen_lots"),
        ("portfolios", "0012_households_that_the_demo_made"),
    )
    operations = (
        migrations.CreateModel(
            name="MonthlyDeltas",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "portfolio_id", "asset_type_id", "month", "currency",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                (
                    "portfolio",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+",
                        to="portfolios.portfolio",
                    ),
                ),
                (
                    "asset_type",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+", to="assets.assettype",
                    ),
                ),
                ("month", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("days", models.IntegerField()),
                ("owned", models.BinaryField()),
                ("owed", models.BinaryField()),
                ("begun", models.BinaryField()),
                ("owned_high", models.BigIntegerField()),
                ("owned_low", models.BigIntegerField()),
                ("owed_high", models.BigIntegerField()),
                ("owed_low", models.BigIntegerField()),
            ],
            options={"abstract": False},
        ),
    )  # fmt: skip

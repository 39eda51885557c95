"""The quantities held in a table of their own, and an index of transfers by asset (docs/decisions/0041).

The table is not filled: what is missing is computed from the transactions, and stored with the next write.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("assets", "0042_value_gaps"),)
    operations = (
        migrations.CreateModel(
            name="HeldQuantities",
            fields=[
                (
                    "asset",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="+",
                        serialize=False, to="assets.asset",
                    ),
                ),
                ("days", models.BinaryField(help_text="The days in order, as ordinals, four bytes each.")),
                (
                    "units",
                    models.TextField(
                        help_text="The quantities that go with them, in 10^-18: whole numbers or fractions."
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.AddIndex(
            model_name="transaction",
            index=models.Index(
                fields=("asset", "transfer_id", "id"),
                name="transaction_legs_of_asset",
                condition=models.Q(transfer_id__isnull=False),
            ),
        ),
    )  # fmt: skip

"""Which portfolios have no derived data for now, and the settings that values were stored with (docs/decisions/0043)."""

import django.db.models.deletion
from django.db import migrations, models

from strata.migrations._refusing import refuse_backwards


class Migration(migrations.Migration):
    dependencies = (("assets", "0043_quantities_held"),)
    operations = (
        migrations.CreateModel(
            name="ForgottenPortfolio",
            fields=[
                (
                    "portfolio",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="+",
                        serialize=False, to="portfolios.portfolio",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="ValuationSettings",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("price_max_age_days", models.PositiveIntegerField(help_text="PRICE_MAX_AGE_DAYS.")),
            ],
        ),
        # The version before would take their empty tables for totals of zero.
        refuse_backwards("assets", "ForgottenPortfolio", "Run rebuild first."),
    )  # fmt: skip

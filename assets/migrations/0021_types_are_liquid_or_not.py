"""Whether what is of a type is money within days; null for debts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("assets", "0020_packed_months_are_monthly_values"),)
    operations = (
        migrations.AddField(
            "assettype",
            "liquid",
            models.BooleanField(
                null=True,
                blank=True,
                verbose_name="liquid",
                help_text="Whether it can be turned into money within days. Empty: as its group says.",
            ),
        ),
    )

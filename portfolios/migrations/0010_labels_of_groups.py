"""The groups of types have other labels. Nothing is changed in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("portfolios", "0009_members_have_accepted"),)
    operations = (
        migrations.AlterField(
            "allocationtarget",
            "group",
            models.CharField(
                choices=[
                    ("FINANCIAL", "Financial"),
                    ("REAL_ESTATE", "Real estate"),
                    ("PERSONAL_PROPERTY", "Personal property"),
                    ("PHYSICAL_COLLECTIONS", "Collections"),
                    ("LIABILITIES", "Debts"),
                    ("OTHER", "Other"),
                ],
                blank=True,
                max_length=20,
                null=True,
            ),
        ),
    )

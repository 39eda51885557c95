"""The groups of types have other labels. Nothing is changed in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("assets", "0022_types_of_pensions_funds_insurances_and_student_loans"),)
    operations = (
        migrations.AlterField(
            "assettype",
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
                default="OTHER",
                max_length=20,
            ),
        ),
    )

"""Households and portfolios say which lots a sale takes, and portfolios whether they may sell short."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("portfolios", "0012_households_that_the_demo_made"),)
    operations = (
        migrations.AddField("household", "lot_method", models.CharField(blank=True, max_length=8, null=True)),
        migrations.AddField("portfolio", "lot_method", models.CharField(blank=True, max_length=8, null=True)),
        migrations.AddField("portfolio", "allow_short", models.BooleanField(db_default=False, default=False)),
    )

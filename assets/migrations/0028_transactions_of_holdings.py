"""A transaction may be a TRANSFER, and an ADJUST may have a cost. The version before may go on writing transactions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("assets", "0027_assets_that_do_not_count"),)
    operations = (
        migrations.AlterField("transaction", "type", models.CharField(max_length=8)),
        migrations.RemoveConstraint("transaction", "transaction_adjust_has_no_money"),
    )

"""The model's new name. Its table and constraint keep theirs: nothing is changed in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("assets", "0019_daily_steps_are_daily_deltas"),)
    operations = (
        migrations.AlterModelTable(name="PackedMonth", table="assets_packedmonth"),
        migrations.RenameModel(old_name="PackedMonth", new_name="MonthlyValues"),
    )

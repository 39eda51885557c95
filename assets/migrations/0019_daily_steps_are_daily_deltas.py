"""The model's new name. Its table, index and constraint keep theirs: nothing is changed in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("assets", "0018_conversion_rates_of_the_euro"),)
    operations = (
        migrations.AlterModelTable(name="DailyStep", table="assets_dailystep"),
        migrations.RenameModel(old_name="DailyStep", new_name="DailyDelta"),
    )

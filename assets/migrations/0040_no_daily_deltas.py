"""The deltas of a day have no rows of their own any more."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("assets", "0039_fill_monthly_deltas"),)
    operations = (migrations.DeleteModel("DailyDelta"),)

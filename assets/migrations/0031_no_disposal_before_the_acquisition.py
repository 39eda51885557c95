"""The database refuses an asset that was disposed of before it was acquired, as the services do."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = (("assets", "0030_days_of_acquisition_after_the_disposal"),)
    operations = (
        migrations.AddConstraint(
            "asset",
            models.CheckConstraint(
                condition=Q(acquired_on=None) | Q(disposed_on=None) | Q(acquired_on__lte=F("disposed_on")),
                name="asset_not_disposed_of_before_it_was_acquired",
            ),
        ),
    )

"""The admin's plural name of the model; no table changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("assets", "0006_rates_stand"),)
    operations = (
        migrations.AlterModelOptions(
            "assetcategory", {"base_manager_name": "objects", "verbose_name_plural": "asset categories"}
        ),
    )

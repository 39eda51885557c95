"""The name of the model in the admin; no table changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("strata", "0006_when_a_token_was_used"),)
    operations = (
        migrations.AlterModelOptions(
            "apitoken",
            {"ordering": ("-created_at", "-id"), "base_manager_name": "objects", "verbose_name": "API token"},
        ),
    )

"""The order of assets by name, and the index for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("assets", "0012_fill_the_keys_of_assets_and_types"),)
    operations = (
        migrations.AlterModelOptions("asset", {"ordering": ("name_key", "id"), "base_manager_name": "objects"}),
        migrations.RemoveIndex("asset", "asset_in_portfolio_by_name"),
        migrations.AddIndex(
            "asset",
            models.Index(fields=("portfolio", "name_key", "id"), name="asset_in_portfolio_by_name"),
        ),
    )

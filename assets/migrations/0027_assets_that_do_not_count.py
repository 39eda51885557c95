"""Assets may be left out of net worth. The version before may go on writing assets: all of them count."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("assets", "0026_instruments"),)
    operations = (
        migrations.AddField(
            "asset",
            "counts_in_net_worth",
            models.BooleanField(db_default=True, default=True),
        ),
    )

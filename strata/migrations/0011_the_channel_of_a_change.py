"""The journal's `road` is called `channel`. The column keeps its name, because nothing in the journal is altered."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("strata", "0010_counts_of_logins"),)
    operations = (
        migrations.AlterField(
            "Change", "road", models.CharField(blank=True, db_column="road", max_length=64)
        ),
        migrations.RenameField("Change", "road", "channel"),
    )

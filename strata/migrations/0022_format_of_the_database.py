"""A number that tells a version whether it may write (docs/decisions/0051). Without a row it is the first format."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("strata", "0021_entries_that_nobody_has_seen"),)
    operations = (
        migrations.CreateModel(
            name="DatabaseFormat",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.PositiveSmallIntegerField()),
            ],
        ),
    )

"""Which households the demo made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("portfolios", "0010_labels_of_groups"),)
    operations = (
        # With a default in the database: the version before inserts households without the column.
        migrations.AddField(
            "household", "is_demo", models.BooleanField(db_default=False, default=False, editable=False)
        ),
    )

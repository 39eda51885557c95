"""Users who look through their tokens see which of them nobody uses."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("strata", "0005_one_user_for_each_name"),)
    operations = (
        migrations.AddField("apitoken", "last_used_at", models.DateTimeField(editable=False, null=True)),
    )

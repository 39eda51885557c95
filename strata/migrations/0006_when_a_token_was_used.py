"""The time of the last use of a token, so that users see which tokens nobody uses."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("strata", "0005_one_user_for_each_name"),)
    operations = (
        migrations.AddField("apitoken", "last_used_at", models.DateTimeField(editable=False, null=True)),
    )

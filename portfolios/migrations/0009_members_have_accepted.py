"""A membership is one that was accepted: an invitation is a row of its own."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("portfolios", "0008_move_invitations"),)
    operations = (
        migrations.AlterField(
            "membership", "accepted_at", models.DateTimeField(default=django.utils.timezone.now)
        ),
    )

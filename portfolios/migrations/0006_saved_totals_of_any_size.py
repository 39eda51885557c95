"""A saved total has room for the largest sum of amounts at the most extreme rates."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portfolios", "0005_one_form_of_names")]
    operations = [
        migrations.AlterField(
            model_name="portfoliosnapshot",
            name="value",
            field=models.CharField(max_length=80),
        ),
    ]

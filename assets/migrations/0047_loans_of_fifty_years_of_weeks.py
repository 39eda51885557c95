"""A loan has up to 2,600 payments. Nothing changes in the database: it is a check of forms and of the API."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("assets", "0046_withdrawn_price_loads"),)
    operations = (
        migrations.AlterField(
            model_name="loan",
            name="term",
            field=models.PositiveSmallIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(2600),
                ],
                verbose_name="number of payments",
            ),
        ),
    )

"""A user has a language, a number format and a date format. Null: as the browser asks."""

from django.db import migrations, models


def choice(length, *values):
    return models.CharField(blank=True, choices=[(value, value) for value in values], max_length=length, null=True)


class Migration(migrations.Migration):
    dependencies = (("strata", "0014_answers_of_several_households"),)
    operations = (
        migrations.AddField(
            "User",
            "language",
            models.CharField(blank=True, choices=[("en", "English"), ("de", "Deutsch")], max_length=8, null=True),
        ),
        migrations.AddField("User", "number_format", choice(8, "1,234.56", "1.234,56", "1'234.56", "1 234,56")),
        migrations.AddField(
            "User",
            "date_format",
            choice(11, "D MMM YYYY", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "YYYY-MM-DD"),
        ),
    )

"""The version of the exchange rates: a process keeps rates as long as it is the same."""

from uuid import UUID, uuid4

from django.db import migrations, models


def add_version(apps, schema_editor):
    versions = apps.get_model("assets", "RatesVersion").objects.using(schema_editor.connection.alias)
    versions.create(pk=1, version=UUID(int=0))  # the next write of rates gives it a random one


class Migration(migrations.Migration):
    dependencies = (("assets", "0028_transactions_of_holdings"),)
    operations = (
        migrations.CreateModel(
            name="RatesVersion",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("version", models.UUIDField(default=uuid4)),
            ],
        ),
        migrations.RunPython(add_version, migrations.RunPython.noop),
    )

"""Marks the households that the command demo made before: the journal says so."""

from django.db import migrations


def mark(apps, schema_editor):
    alias = schema_editor.connection.alias
    entries = apps.get_model("strata", "JournalEntry").objects.using(alias)
    created = entries.filter(model="portfolios.Household", action="create", channel="command:demo")
    households = apps.get_model("portfolios", "Household").objects.using(alias)
    households.filter(pk__in=created.values("object_id")).update(is_demo=True)


class Migration(migrations.Migration):
    dependencies = (
        ("portfolios", "0011_households_may_be_of_the_demo"),
        ("strata", "0012_change_becomes_journal_entry"),
    )
    operations = (migrations.RunPython(mark, migrations.RunPython.noop),)

"""The legal rates of the currencies that became the euro (docs/decisions/0012)."""

from importlib import import_module

from django.db import migrations
from django.utils import timezone

from assets.rates.conversion_rates import JOINED, add_conversion_rates, conversion_rates

triggers = import_module("assets.migrations.0006_rates_stand")

# Totals and reports that could not be complete before. Others have nothing in these currencies.
RAISE_REVISIONS = """
    UPDATE portfolios_portfolio SET revision = revision + 1 WHERE base_currency IN ({codes}) OR id IN (
        SELECT portfolio_id FROM assets_asset WHERE currency IN ({codes})
        UNION SELECT a.portfolio_id FROM assets_transaction t JOIN assets_asset a ON a.id = t.asset_id
        WHERE t.currency IN ({codes})
    )"""


def rows_of(apps, schema_editor):
    return apps.get_model("assets", "ExchangeRate").objects.using(schema_editor.connection.alias)


def raise_revisions(schema_editor):
    codes = ", ".join(f"'{code}'" for joined in JOINED.values() for code in joined)
    schema_editor.execute(RAISE_REVISIONS.format(codes=codes))  # nosemgrep: no-raw-sql - codes of our own list


def add(apps, schema_editor):
    add_conversion_rates(rows_of(apps, schema_editor), timezone.now())
    raise_revisions(schema_editor)


def remove(apps, schema_editor):
    ids = [row["id"] for row in conversion_rates(timezone.now())]
    triggers.drop_triggers(apps, schema_editor)
    rows_of(apps, schema_editor).filter(id__in=ids)._raw_delete(schema_editor.connection.alias)
    triggers.create_triggers(apps, schema_editor)
    raise_revisions(schema_editor)


class Migration(migrations.Migration):
    dependencies = (
        ("assets", "0017_rates_may_be_lasting"),
    )
    operations = (migrations.RunPython(add, remove),)

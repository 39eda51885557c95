"""Empty each day of acquisition that lies after the disposal, with a journal entry: one of the two days is wrong.

The day of disposal stays, because totals depend on it and on the acquisition none does. So no total changes.
"""

from django.db import migrations
from django.db.models import F
from django.utils import timezone

from strata.migrations._name_keys import WRITTEN_BY, stored_image


def empty_contradicting_days(apps, schema_editor):
    alias = schema_editor.connection.alias
    assets = apps.get_model("assets.Asset")._base_manager.using(alias)
    portfolios = apps.get_model("portfolios.Portfolio")._base_manager.using(alias)
    journal = apps.get_model("strata.JournalEntry")._base_manager.using(alias)
    now = timezone.now()
    for asset in assets.filter(acquired_on__gt=F("disposed_on")).select_related("portfolio").order_by("pk"):
        journal.create(
            at=now,
            channel=WRITTEN_BY,
            model="assets.Asset",
            object_id=asset.pk,
            household_id=asset.portfolio.household_id,
            action="update",
            before=stored_image(assets, asset.pk),
        )
        assets.filter(pk=asset.pk).update(acquired_on=None, updated_at=now)
        portfolios.filter(pk=asset.portfolio_id).update(revision=F("revision") + 1)
        # nosemgrep: no-print - the operator has to know about changed rows
        print(
            f"\n    Asset {asset.name!r}: bought on {asset.acquired_on}, which was after its disposal, is empty now",
            end="",
        )


class Migration(migrations.Migration):
    dependencies = (
        ("assets", "0029_rates_version"),
        ("portfolios", "0012_households_that_the_demo_made"),
        ("strata", "0016_entries_of_an_undo"),
    )
    operations = (migrations.RunPython(empty_contradicting_days, migrations.RunPython.noop),)

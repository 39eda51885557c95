"""Encode all existing values by month."""

import sys
from array import array
from itertools import batched, groupby

from django.db import migrations

ROWS = 500


def values_of(snapshots):
    """(asset, on, value) of all values, the last of a day after the others; money as it is stored."""
    rows = snapshots.order_by('asset_id', 'on', 'observed_at').values_list('asset_id', 'on', 'value')
    for asset, on, value in rows.iterator(chunk_size=10_000):
        yield asset, on, int(value * 10_000)


def packed(values):
    for (asset, month), rows in groupby(values, key=lambda row: (row[0], row[1].replace(day=1))):
        value_of_day = {on: value for _, on, value in rows}
        amounts = array('q', value_of_day.values())
        if sys.byteorder == 'big':
            amounts.byteswap()
        yield asset, month, sum(1 << on.day - 1 for on in value_of_day), amounts.tobytes()


def fill(apps, schema_editor):
    PackedMonth, alias = apps.get_model('assets', 'PackedMonth'), schema_editor.connection.alias
    snapshots = apps.get_model('assets', 'AssetSnapshot').objects.using(alias)
    for batch in batched(packed(values_of(snapshots)), ROWS):
        PackedMonth.objects.using(alias).bulk_create(
            PackedMonth(asset_id=asset, month=month, days=days, amounts=amounts)
            for asset, month, days, amounts in batch
        )


def empty(apps, schema_editor):
    apps.get_model('assets', 'PackedMonth').objects.using(schema_editor.connection.alias).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('assets', '0008_packed_months'),
    ]

    operations = [
        migrations.RunPython(fill, empty),
    ]

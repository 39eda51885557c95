"""Encode the daily deltas by month, and with them on which days assets had their first value.

Portfolio by portfolio, so that the deltas of all are never in memory at once.
"""

from collections import defaultdict
from itertools import batched
from uuid import UUID

from django.db import migrations
from django.db.models import OuterRef, Subquery

from assets.valuation.codecs.deltas import EncodedDeltas, by_month, decode_deltas, encode_deltas, total

ALL_TYPES = UUID(int=0)
HALF = 10**8
ROWS = 500


def fill(apps, schema_editor):
    alias = schema_editor.connection.alias
    portfolios = apps.get_model("portfolios", "Portfolio").objects.using(alias).order_by("pk")
    monthly = apps.get_model("assets", "MonthlyDeltas")
    for portfolio_id in portfolios.values_list("pk", flat=True):
        rows = (
            monthly(portfolio_id=portfolio_id, asset_type_id=asset_type, currency=currency, month=month, **encoded(days))
            for (asset_type, currency), deltas in sorted(deltas_of(apps, alias, portfolio_id).items())
            for month, days in by_month(deltas)
        )
        for batch in batched(rows, ROWS):
            monthly.objects.using(alias).bulk_create(batch)


def deltas_of(apps, alias, portfolio_id):
    """By type and currency, and day: owned, owed, and how many assets begun."""
    deltas = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    daily = apps.get_model("assets", "DailyDelta").objects.using(alias).filter(portfolio=portfolio_id)
    for asset_type, currency, on, *halves in daily.values_list(
        "asset_type_id", "currency", "on", "owned_high", "owned_low", "owed_high", "owed_low"
    ).iterator(chunk_size=10_000):
        owned_owed = halves[0] * HALF + halves[1], halves[2] * HALF + halves[3]
        deltas[asset_type, currency][on][:2] = owned_owed
    for asset_type, currency, on in first_values(apps, alias, portfolio_id):
        for key in (asset_type, ALL_TYPES):
            deltas[key, currency][on][2] += 1
    return deltas


def first_values(apps, alias, portfolio_id):
    values = apps.get_model("assets", "AssetSnapshot").objects.using(alias)
    first = Subquery(values.filter(asset=OuterRef("pk")).order_by("on").values("on")[:1])
    assets = apps.get_model("assets", "Asset").objects.using(alias)
    rows = assets.filter(portfolio=portfolio_id, counts_in_net_worth=True).annotate(first_on=first)
    return rows.filter(first_on__isnull=False).order_by().values_list("asset_type_id", "currency", "first_on")


def encoded(days):
    columns = encode_deltas(days)._asdict()
    for name, amount in zip(("owned", "owed"), total(days.values()), strict=True):
        columns |= zip((f"{name}_high", f"{name}_low"), halves_of(amount), strict=True)
    return columns


def halves_of(amount):
    """Both halves with the sign."""
    high, low = divmod(abs(amount), HALF)
    return (high, low) if amount >= 0 else (-high, -low)


def fill_daily(apps, schema_editor):
    alias = schema_editor.connection.alias
    monthly = apps.get_model("assets", "MonthlyDeltas").objects.using(alias)
    daily = apps.get_model("assets", "DailyDelta")
    rows = monthly.order_by("portfolio_id", "asset_type_id", "month").values_list(
        "portfolio_id", "asset_type_id", "currency", "month", "days", "owned", "owed", "begun"
    )
    steps = (
        daily(
            portfolio_id=portfolio, asset_type_id=asset_type, currency=currency, on=on,
            **dict(zip(("owned_high", "owned_low"), halves_of(delta.owned), strict=True)),
            **dict(zip(("owed_high", "owed_low"), halves_of(delta.owed), strict=True)),
        )
        for portfolio, asset_type, currency, month, days, *columns in rows.iterator(chunk_size=2_000)
        for on, delta in decode_deltas(month, EncodedDeltas(days, *map(bytes, columns))).items()
        if delta.owned or delta.owed
    )  # fmt: skip
    for batch in batched(steps, ROWS):
        daily.objects.using(alias).bulk_create(batch)


def backwards(apps, schema_editor):
    fill_daily(apps, schema_editor)
    apps.get_model("assets", "MonthlyDeltas").objects.using(schema_editor.connection.alias).all().delete()


def forwards(apps, schema_editor):
    fill(apps, schema_editor)
    apps.get_model("assets", "DailyDelta").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    dependencies = (("assets", "0038_monthly_deltas"),)
    operations = (migrations.RunPython(forwards, backwards),)

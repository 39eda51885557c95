"""The table of gaps: updated with every write of values, rebuilt from them, and compared with them. And what reports
say of a gap: which price of which asset is missing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import batched
from uuid import UUID

from django.db.models import Q

from assets.models import Asset, Instrument, ValueGap
from assets.valuation import registry
from assets.valuation.protocol import Gap, MissingPrice, PriceGap, source_name
from assets.valuation.registry import MANUAL, Valuations, stored_values
from assets.valuation.totals.contributions import gaps_of_values
from strata.audit import clock
from strata.fields.names import alphabetical

BATCH = 200


def apply(before: Collection[Gap], after: Collection[Gap]) -> None:
    """Replace the gaps before a write by those after it. The portfolios of their assets are locked."""
    gone, new = set(before) - set(after), set(after) - set(before)
    for batch in batched(sorted(gone), BATCH):
        keys = Q()
        for gap in batch:
            keys |= Q(asset=gap.asset_id, start_on=gap.start)
        ValueGap.objects.filter(keys).delete()
    write(new)


def replace(asset_ids: Collection[UUID], new: Iterable[Gap]) -> None:
    """Write all gaps of these assets again."""
    forget_of(asset_ids)
    write(new)


def write(gaps: Iterable[Gap]) -> None:
    rows = [ValueGap(asset_id=pk, start_on=start, end_on=end) for pk, start, end in gaps]
    if rows:
        ValueGap.objects.bulk_create(rows, batch_size=BATCH)


# --- rebuilt, and compared ---


def forget_portfolio(portfolio_id: UUID) -> None:
    ValueGap.objects.filter(asset__portfolio=portfolio_id).delete()


def forget_of(asset_ids: Collection[UUID]) -> None:
    ValueGap.objects.filter(asset__pk__among=asset_ids).delete()


def calculated(valuations: Valuations) -> set[Gap]:
    """What the table should hold for these assets, calculated from their values."""
    may_have_gaps = {pk: valuation for pk, valuation in valuations.items() if valuation != MANUAL}
    return {
        gap for pk, days, values in stored_values(may_have_gaps) for gap in gaps_of_values(pk, days, values)
    }


def stored(asset_ids: Collection[UUID]) -> set[Gap]:
    """What the table holds for these assets."""
    clock.require_present()
    rows = ValueGap.objects.filter(asset__pk__among=asset_ids)
    return {Gap(*row) for row in rows.values_list("asset_id", "start_on", "end_on")}


def differences(portfolio_id: UUID) -> set[Gap]:
    """The gaps for which the table is wrong: those that it has or lacks by mistake."""
    assets = Asset.objects.filter(portfolio=portfolio_id).order_by().values_list("pk", "valuation", "shares")
    valuations = {pk: source_name(*names) for pk, *names in assets}
    return stored(valuations) ^ calculated(valuations)


# --- said in reports ---


def price_gaps(gaps: Collection[Gap], days: Sequence[date]) -> dict[date, tuple[PriceGap, ...]]:
    """The assets that are left out on each of the ascending days, by name. Days on which nothing is left out are left
    out. Without gaps no query, else a fixed number of them.
    """
    if not gaps:
        return {}
    rows = Asset.objects.filter(pk__among={gap.asset_id for gap in gaps}).order_by()
    names: dict[UUID, str] = {}
    portfolio_ids: dict[UUID, UUID] = {}
    valuations: dict[UUID, str] = {}
    for pk, name, portfolio_id, valued_by in rows.values_list("pk", "name", "portfolio_id", "valuation"):
        names[pk], portfolio_ids[pk], valuations[pk] = name, portfolio_id, valued_by
    first_days = {gap: days[bisect_left(days, gap.start)] for gap in gaps}
    missing = registry.missing_prices([(gap.asset_id, on) for gap, on in first_days.items()], valuations)
    symbols = symbols_of(price.instrument_id for price in missing.values())
    by_day: dict[date, list[PriceGap]] = {}
    for gap in sorted(gaps, key=lambda gap: alphabetical(names[gap.asset_id], gap.asset_id)):
        pk = gap.asset_id
        price = missing.get((pk, first_days[gap]), MissingPrice())
        asset = pk, names[pk], portfolio_ids[pk], price.instrument_id, symbols.get(price.instrument_id, "")
        for on in days[bisect_left(days, gap.start) :]:
            if not gap.has(on):
                break
            by_day.setdefault(on, []).append(PriceGap(*asset, on, price.last_on))
    return {on: tuple(of_day) for on, of_day in sorted(by_day.items())}


def symbols_of(instrument_ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    ids = {pk for pk in instrument_ids if pk is not None}
    return dict(Instrument.objects.filter(pk__among=ids).values_list("pk", "symbol")) if ids else {}


def count_left_out(gaps: Iterable[Gap], days: Sequence[date]) -> int:
    """How many entries price_gaps gives for these days."""
    return sum(
        (len(days) if gap.end is None else bisect_left(days, gap.end)) - bisect_left(days, gap.start)
        for gap in gaps
    )

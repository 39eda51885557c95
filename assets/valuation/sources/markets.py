"""Market prices as a value source: the quantity that is held times the last price that counts.

Its values are in the derived tables: sources.market_upkeep keeps them there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from uuid import UUID

from django.db import connection

from assets.models.asset import Valuation
from assets.valuation import quantities
from assets.valuation.codecs.months import last_of_month
from assets.valuation.codecs.quantities import EncodedQuantities, encode_quantities
from assets.valuation.formulas.market import QUANTITY_UNIT, Points
from assets.valuation.protocol import (
    AssetDay,
    AssetValues,
    Month,
    Origin,
    StoredSource,
    Window,
)
from assets.valuation.sources.market_inputs import (
    MarketInputs,
    all_inputs,
    before,
    held_by,
    holders_of,
    market_inputs,
)
from assets.valuation.sources.priced import PricedSource
from assets.valuation.sources.snapshots import RECORDED

# Days of the first holding, in place of those of the first value: without a price there is a gap, which is a point too.
_HELD = """SELECT * FROM (SELECT t."on" FROM assets_asset a JOIN portfolios_portfolio p ON p.id = a.portfolio_id
    JOIN assets_transaction t ON t.asset_id = a.id
    WHERE a.id = {{asset}} AND a.valuation = 'market' AND substr(CAST(t.quantity AS text), 1, 1) <> '-'
    AND t.type <> 'EXPENSE' AND (t.type <> 'DISPOSE' OR p.allow_short) ORDER BY t."on" LIMIT 1) AS held"""
_OPENED = """SELECT COALESCE(a.acquired_on, ({first_price})) FROM assets_asset a
    WHERE a.id = {{asset}} AND a.valuation = 'market' AND {quantity} <> 0
    AND NOT EXISTS (SELECT 1 FROM assets_transaction t
        WHERE t.asset_id = a.id AND t.quantity IS NOT NULL AND t.type <> 'EXPENSE')"""
# With the load: under known_at only those that were known are there, and those that counted then.
_FIRST_PRICE = """SELECT {day} FROM assets_priceblock b JOIN assets_priceload l ON l.id = b.load_id
    WHERE b.instrument_id = a.instrument_id AND l.withdrawn_at IS NULL ORDER BY b.year, b.first_day LIMIT 1"""
_DAY_OF_YEAR = {
    "sqlite": "date(b.year || '-01-01', b.first_day || ' days')",
    "postgresql": "make_date(b.year, 1, 1) + b.first_day",
}
_NUMBER = {"sqlite": "CAST(a.quantity AS REAL)", "postgresql": "a.quantity"}
_RECEIVED = """SELECT x."on" FROM assets_asset a JOIN portfolios_portfolio p ON p.id = a.portfolio_id
    JOIN assets_instrumentaction x ON x.to_instrument_id = a.instrument_id
    AND (x.household_id IS NULL OR x.household_id = p.household_id)
    WHERE a.id = {{asset}} AND a.valuation = 'market'"""
_FIRST_DAYS = {
    vendor: " UNION ALL ".join((_HELD, _OPENED, _RECEIVED)).format(
        first_price=_FIRST_PRICE.format(day=_DAY_OF_YEAR[vendor]), quantity=_NUMBER[vendor]
    )
    for vendor in _NUMBER
}


class Markets(PricedSource):
    """The value is quantity times price; a recorded value is a price until the next one."""

    name = Valuation.MARKET.value
    is_stored = True

    @property
    def first_days_sql(self) -> str:
        """The day of the first purchase, or from which on Asset.quantity is held.

        It may be too early where that purchase brought nothing: a transfer of nothing, or another company's shares
        that somebody else received.
        """
        return _FIRST_DAYS[connection.vendor]

    def points(
        self, asset_ids: Sequence[UUID], start: date, end: date, *, without: Collection[UUID] = ()
    ) -> dict[UUID, Points]:
        """The points of each asset up to `end`; right from the newest one on or before `start` on."""
        inputs = market_inputs(asset_ids, start, end, without=without)
        return {pk: of_asset.points() for pk, of_asset in inputs.items()}

    def all_points(
        self, asset_ids: Collection[UUID], *, without: Collection[UUID] = ()
    ) -> dict[UUID, Points]:
        return self.points(sorted(asset_ids), date.min, date.max, without=without)

    def rebuilt(self, asset_ids: Sequence[UUID]) -> Iterator[AssetValues]:
        inputs = all_inputs(asset_ids)
        quantities.write({pk: of_asset.held for pk, of_asset in inputs.items()})
        for pk, of_asset in inputs.items():
            days, amounts = of_asset.points()
            if days:
                yield AssetValues(pk, days, amounts)

    def outdated(self, asset_ids: Sequence[UUID]) -> set[UUID]:
        expected = calculated_quantities(asset_ids)
        return {pk for pk, encoded in quantities.stored(asset_ids).items() if encoded != expected.get(pk)}

    def values_of_months(self, months: Sequence[Month]) -> Iterator[tuple[UUID, date, int | None]]:
        if not months:
            return
        wanted: dict[UUID, set[date]] = {}
        for pk, month in months:
            wanted.setdefault(pk, set()).add(month)
        first, last = min(month for _, month in months), max(month for _, month in months)
        end = last_of_month(last)
        for pk, (days, amounts) in self.points(sorted(wanted), first, end).items():
            place = bisect_left(days, first)
            for on, amount in zip(days[place:], amounts[place:], strict=True):
                if on > end:
                    break
                if on.replace(day=1) in wanted[pk]:
                    yield pk, on, amount

    def windows(self, asset_ids: Collection[UUID], days: Collection[date]) -> Iterator[tuple[UUID, Window]]:
        """All points from the first of the days on: a quantity holds until the next one, a price for its days."""
        if not days:
            return
        first = min(days)
        for pk, points in self.points([*asset_ids], before(first), date.max).items():
            yield pk, window_from(points, first)

    def origins(self, asset_ids: Sequence[UUID], days: Sequence[date]) -> Mapping[AssetDay, Origin]:
        if not days:
            return {}
        inputs = market_inputs(asset_ids, days[0], days[-1])
        return {(pk, on): origin_on(of_asset, on) for pk, of_asset in inputs.items() for on in days}


SOURCE = Markets()
AS_PROTOCOL: StoredSource = SOURCE  # mypy says what is missing


def calculated_quantities(asset_ids: Collection[UUID]) -> dict[UUID, EncodedQuantities]:
    """What the table of quantities should have of these assets."""
    return {pk: encode_quantities(held) for pk, held in held_by(holders_of(asset_ids)).items()}


def unit_price(asset_id: UUID, on: date) -> Fraction | None:
    """What one unit of an asset at its market price costs on the day, in the currency, whatever is held at its end."""
    inputs = market_inputs([asset_id], on, on).get(asset_id)
    return None if inputs is None else inputs.unit_price_on(on)


def origin_on(inputs: MarketInputs, on: date) -> Origin:
    if any(day == on for day, _ in inputs.anchors):
        return RECORDED
    basis = inputs.basis_on(on)
    return Origin(
        "anchor" if basis.is_anchored else "price",
        quantity=Fraction(basis.quantity, QUANTITY_UNIT)
        if inputs.held.days
        else None,  # units are not counted
        price=basis.price and basis.price.amount,
        price_on=basis.price and basis.price.on,
    )


def window_from(points: Points, first: date) -> Window:
    """From the last point before `first` on; all days from `first` on are touched."""
    days = points.days
    begin = bisect_left(days, first)
    start = max(begin - 1, 0)
    amounts = dict(zip(days[start:], points.amounts[start:], strict=True))
    return Window(amounts, frozenset(days[begin:]))

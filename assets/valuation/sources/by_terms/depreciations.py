"""Depreciation as a value source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from assets.holdings.arrivals import FIRST_DAYS, arrived_on
from assets.models import Depreciation
from assets.models.asset import Valuation
from assets.valuation.formulas import depreciation as formula
from assets.valuation.formulas.depreciation import DepreciationTerms
from assets.valuation.protocol import ValueSource
from assets.valuation.sources.anchors import Anchors
from assets.valuation.sources.computed import YEARS_KEPT, ComputedSource, Kept, Point, years_between

COLUMNS = DepreciationTerms._fields


class Depreciations(ComputedSource[DepreciationTerms]):
    """From the cost on the first day down to the residual value; a recorded value starts again."""

    name = Valuation.DEPRECIATION.value
    word = "depreciation"
    first_days_sql = FIRST_DAYS.format(table="assets_depreciation")

    def terms_of(self, asset_ids: Sequence[UUID]) -> Mapping[UUID, DepreciationTerms]:
        rows = Depreciation.objects.filter(asset__pk__among=list(asset_ids)).order_by()
        rows = rows.annotate(held_from=arrived_on())
        return {pk: DepreciationTerms(*columns) for pk, *columns in rows.values_list("asset_id", *COLUMNS)}

    def newest(self, terms: DepreciationTerms, anchors: Anchors, on: date) -> Point | None:
        return formula.newest(terms, dict(anchors), on)

    def points(self, terms: DepreciationTerms, anchors: Anchors, start: date, end: date) -> Iterator[Point]:
        last = self.last_day(terms, anchors)
        for year in years_between(start, min(end, last)):
            yield from values_of_year(terms, anchors, year).between(start, end)

    def first_day(self, terms: DepreciationTerms, anchors: Anchors) -> date | None:
        return min(terms.started_on, anchors[0][0]) if anchors else terms.started_on

    def held_from(self, terms: DepreciationTerms) -> date | None:
        return terms.held_from

    def last_day(self, terms: DepreciationTerms, anchors: Anchors) -> date:
        return formula.last_day(terms, dict(anchors))

    def rate_on(self, terms: DepreciationTerms, on: date) -> Decimal | None:
        return terms.rate


SOURCE: ValueSource = Depreciations()


@lru_cache(maxsize=YEARS_KEPT)
def values_of_year(terms: DepreciationTerms, anchors: Anchors, year: int) -> Kept:
    return Kept(formula.values(terms, dict(anchors), date(year, 1, 1), date(year, 12, 31)))

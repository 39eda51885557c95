"""Growth at a rate as a value source: from each recorded value on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from assets.models import Growth
from assets.models.asset import Valuation
from assets.valuation.formulas import growth as formula
from assets.valuation.formulas.growth import GrowthTerms
from assets.valuation.protocol import ValueSource
from assets.valuation.sources.anchors import Anchors
from assets.valuation.sources.computed import (
    LAST_DAY,
    YEARS_KEPT,
    ComputedSource,
    Kept,
    Point,
    years_between,
)


class Growths(ComputedSource[GrowthTerms]):
    """Without a recorded value there is none."""

    name = Valuation.GROWTH.value
    word = "growth"

    def terms_of(self, asset_ids: Sequence[UUID]) -> Mapping[UUID, GrowthTerms]:
        rows = Growth.objects.filter(asset__pk__among=list(asset_ids)).order_by()
        return {
            pk: GrowthTerms(*columns) for pk, *columns in rows.values_list("asset_id", *GrowthTerms._fields)
        }

    def newest(self, terms: GrowthTerms, anchors: Anchors, on: date) -> Point | None:
        return formula.newest(terms, dict(anchors), min(on, LAST_DAY))

    def points(self, terms: GrowthTerms, anchors: Anchors, start: date, end: date) -> Iterator[Point]:
        if not anchors:
            return
        for year in years_between(max(start, anchors[0][0]), end):
            yield from values_of_year(terms, anchors, year).between(start, end)

    def last_day(self, terms: GrowthTerms, anchors: Anchors) -> date:
        return LAST_DAY

    def rate_on(self, terms: GrowthTerms, on: date) -> Decimal | None:
        return terms.rate


SOURCE: ValueSource = Growths()


@lru_cache(maxsize=YEARS_KEPT)
def values_of_year(terms: GrowthTerms, anchors: Anchors, year: int) -> Kept:
    return Kept(formula.values(terms, dict(anchors), date(year, 1, 1), date(year, 12, 31)))

"""Changes derived data from values before a write to values after it.

What the values were before is in the monthly values: what they say is taken back, and what is so now is put there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from assets.models import Asset
from assets.valuation import quantities, registry, sql, upkeep
from assets.valuation.codecs.months import NOTHING, EncodedMonth, encode_months, last_of_month
from assets.valuation.deltas import facts_of
from assets.valuation.formulas.market import Held, Points
from assets.valuation.protocol import AssetValues, Month, Window
from assets.valuation.sources.market_inputs import MARKET, all_inputs
from assets.valuation.totals.contributions import AssetFacts, Contribution, gaps_of_values, valuations_of
from portfolios.models import Portfolio
from strata.db.locks import lock_rows
from strata.tenancy.guards import rows_are_locked

NO_POINTS = Points([], [])


class Valued(NamedTuple):
    """An asset with all of its values, or those of some months and the last one before them.

    `held` is None where it is not known whether it has changed.
    """

    facts: AssetFacts
    points: Points
    held: Held | None = None


def stored_before(asset_ids: Collection[UUID]) -> dict[UUID, Valued]:
    """The assets with the values that are stored. Their portfolios are locked: the write may be elsewhere."""
    if not asset_ids:
        return {}
    lock_portfolios_of(asset_ids)
    return stored_with(facts_of(Asset.objects.filter(pk__among=sorted(asset_ids))))


def stored_with(facts: Mapping[UUID, AssetFacts]) -> dict[UUID, Valued]:
    """The assets with these facts and the values that are stored."""
    return _valued(facts, sql.values_in_months(sorted(facts), date.min, date.max) if facts else ())


def valued(asset_ids: Collection[UUID]) -> dict[UUID, Valued]:
    """The assets with the values that they have now."""
    return valued_with(facts_of(Asset.objects.filter(pk__among=sorted(asset_ids)))) if asset_ids else {}


def valued_with(facts: Mapping[UUID, AssetFacts]) -> dict[UUID, Valued]:
    """The assets with these facts and the values that they have now, as far as their source is a stored one."""
    inputs = all_inputs([pk for pk, of_asset in facts.items() if of_asset.source == MARKET])
    others = valuations_of(facts, facts.keys() - inputs.keys())
    of_other_sources = _valued({pk: facts[pk] for pk in others}, registry.stored_values(others))
    at_market = {pk: Valued(facts[pk], each.points(), each.held) for pk, each in inputs.items()}
    return {**of_other_sources, **at_market}


def _valued(facts: Mapping[UUID, AssetFacts], values: Iterable[AssetValues]) -> dict[UUID, Valued]:
    points = {pk: Points([*days], [*amounts]) for pk, days, amounts in values}
    return {pk: Valued(of_asset, points.get(pk, NO_POINTS)) for pk, of_asset in facts.items()}


def lock_portfolios_of(asset_ids: Collection[UUID]) -> None:
    """Those that are locked already cost nothing."""
    if asset_ids and rows_are_locked():
        assets = Asset.objects.filter(pk__among=list(asset_ids)).order_by()
        ids = list(assets.values_list("portfolio_id", flat=True).distinct())
        lock_rows(Portfolio.objects.filter(pk__among=ids))


def apply_change(before: Mapping[UUID, Valued], after: Mapping[UUID, Valued]) -> set[UUID]:
    """Change the deltas, the months and the gaps of these assets, where their values or facts differ, and their
    quantities. Returns the portfolios in which something has changed.
    """
    contribution_before, contribution_after = Contribution.empty(), Contribution.empty()
    changed: set[UUID] = set()
    for pk in before.keys() | after.keys():
        asset_before, asset_after = before.get(pk), after.get(pk)
        if asset_before and asset_after and asset_before.facts == asset_after.facts:
            windows = differing(asset_before.points, asset_after.points)
        else:
            windows = [whole(each.points if each else NO_POINTS) for each in (asset_before, asset_after)]
        for contribution, each, window in zip(
            (contribution_before, contribution_after), (asset_before, asset_after), windows, strict=True
        ):
            if each:
                contribution.add(pk, each.facts, window)
                contribution.gaps.update(gaps_of_values(pk, *each.points))
                changed |= {each.facts.portfolio_id} if window.touched else set()
    wanted = contribution_before.months | contribution_after.months
    contribution_after.encoded.update(encoded_months({pk: each.points for pk, each in after.items()}, wanted))
    upkeep.apply(contribution_before, contribution_after)
    quantities.write({pk: each.held for pk, each in after.items() if each.held is not None})
    quantities.forget([pk for pk, each in after.items() if each.facts.source != MARKET])
    return changed


def differing(before: Points, after: Points) -> list[Window]:
    """The windows of each outside of which both are the same."""
    first, most = 0, min(len(before.days), len(after.days))
    while first < most and same_point(before, first, after, first):
        first += 1
    last = 0
    while last < most - first and same_point(before, -1 - last, after, -1 - last):
        last += 1
    return [window(before, first, len(before.days) - last), window(after, first, len(after.days) - last)]


def same_point(before: Points, place_before: int, after: Points, place_after: int) -> bool:
    return (
        before.amounts[place_before] == after.amounts[place_after]
        and before.days[place_before] == after.days[place_after]
    )


def whole(points: Points) -> Window:
    return window(points, 0, len(points.days))


def window(points: Points, begin: int, end: int) -> Window:
    """These points are touched; the one before and the one after them are in the window too."""
    start, stop = max(begin - 1, 0), end + 1
    amounts = dict(zip(points.days[start:stop], points.amounts[start:stop], strict=True))
    return Window(amounts, frozenset(points.days[begin:end]))


def encoded_months(points: Mapping[UUID, Points], wanted: Collection[Month]) -> Mapping[Month, EncodedMonth]:
    """These months of these points, which are all that the assets have in them."""
    months_of: dict[UUID, set[date]] = {}
    for pk, month in wanted:
        months_of.setdefault(pk, set()).add(month)
    fresh = dict.fromkeys(wanted, NOTHING)
    for pk, of_asset in months_of.items():
        days, amounts = points.get(pk, NO_POINTS)
        first, last = bisect_left(days, min(of_asset)), bisect_right(days, last_of_month(max(of_asset)))
        for month, encoded in encode_months(days[first:last], amounts[first:last]):
            if month in of_asset:
                fresh[pk, month] = encoded
    return fresh

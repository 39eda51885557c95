"""Keeps deltas, monthly values and gaps up to date with every write of values, and rebuilds them.

All are derived from the values of stored sources; those of the others are computed when they are read. A stored source
surrounds a write of its rows with `capture` and `update`. AssetsConfig registers the classes below, which run with the
writes of assets and portfolios. An asset's months are deleted with it by cascade; its contribution to the deltas is
subtracted before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import batched
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F

from assets.models import Asset, ForgottenPortfolio
from assets.models.querysets import AssetQuerySet
from assets.prices.store import pack_if_forgotten
from assets.valuation import deltas, gaps, months, protocol, quantities, registry, sql
from assets.valuation.codecs.months import GAP, places_of_none, without_none
from assets.valuation.deltas import facts_of, forget_assets, forget_portfolios
from assets.valuation.protocol import Gap
from assets.valuation.totals.contributions import (
    AssetFacts,
    Contribution,
    difference,
    gaps_at,
    gaps_of_values,
    gaps_of_window,
    touched_months,
    valuations_of,
)
from assets.valuation.totals.delta_columns import DeltaColumns
from portfolios.models import Portfolio
from strata.audit import clock
from strata.audit.tracking import DerivedData, TrackedQuerySet
from strata.db.locks import lock_rows

ASSETS_AT_A_TIME = 50


def apply(before: Contribution, after: Contribution) -> None:
    """Change derived data by the difference. The months of both are read and encoded again, unless `after` has them."""
    deltas.apply_deltas(difference(after.sums, before.sums))
    months.apply(before.months | after.months, before.valuations | after.valuations, after.encoded)
    if before.gaps != after.gaps:
        gaps.apply(before.gaps, after.gaps)


# --- what a source calls around a write ---


class Captured(NamedTuple):
    """What assets contributed before a write that may change their values on these days (None: on any day)."""

    asset_ids: tuple[UUID, ...]
    days: frozenset[date] | None
    contribution: Contribution


def capture(asset_ids: Iterable[UUID], days: Iterable[date] | None = None) -> Captured:
    """Call this before a write that changes values of the assets on `days`, and afterwards `update` with the result.

    Without days everything may change. The portfolios of the assets are locked, and the write does not change the facts
    of an asset, such as its source (OfAssets takes care of those).
    """
    ids, on_days = tuple(asset_ids), None if days is None else frozenset(days)
    return Captured(ids, on_days, contribution_of(ids, on_days))


def update(captured: Captured) -> None:
    apply(captured.contribution, contribution_of(captured.asset_ids, captured.days))


def contribution_of(asset_ids: Sequence[UUID], days: Collection[date] | None) -> Contribution:
    facts = facts_of(Asset.objects.filter(pk__among=asset_ids))
    valuations = valuations_of(facts)
    contribution = Contribution.empty()._replace(valuations=valuations)
    until = date.max if days is None else max(days, default=date.min)
    for pk, window in all_windows(valuations) if days is None else registry.windows(valuations, days):
        contribution.add(pk, facts[pk], window)
        contribution.gaps.update(gaps_of_window(pk, window.amounts, until))
    return contribution


def all_windows(valuations: registry.Valuations) -> Iterator[tuple[UUID, protocol.Window]]:
    """All values of each asset of a stored source, as the window of a write that touches all of them."""
    for pk, days, amounts in registry.stored_values(valuations):
        yield pk, protocol.Window(dict(zip(days, amounts, strict=True)), frozenset(days))


# --- what follows a write of assets and portfolios ---


def assets_written(before: Mapping[UUID, AssetFacts], after: Mapping[UUID, AssetFacts]) -> None:
    """Update the derived data after a write of assets. An asset with the same source as before has the same values, and
    so the same months, unless these were not there.
    """
    deltas.apply_deltas(deltas.deltas_of_changed_assets(before, after))
    moved = [pk for pk, facts in after.items() if before.get(pk, facts).source != facts.source]
    moved += from_forgotten_portfolios(before, after)
    if moved:
        touched: set[protocol.Month] = set()
        new_gaps: list[Gap] = []
        for facts in (before, after):
            for pk, days, values in registry.stored_values(valuations_of(facts, moved)):
                touched |= touched_months(pk, days)
                new_gaps += gaps_of_values(pk, days, values) if facts is after else ()
        months.apply(touched, valuations_of(after, moved))
        gaps.replace(moved, new_gaps)


def from_forgotten_portfolios(
    before: Mapping[UUID, AssetFacts], after: Mapping[UUID, AssetFacts]
) -> list[UUID]:
    """The assets that were moved out of a portfolio without derived data, into one that has it perhaps."""
    origins = {pk: before[pk].portfolio_id for pk in after.keys() & before.keys()}
    moved = {pk: origin for pk, origin in origins.items() if origin != after[pk].portfolio_id}
    forgotten = set(sql.forgotten_among(set(moved.values()))) if moved else set()
    return [pk for pk in moved if moved[pk] in forgotten and before[pk].source == after[pk].source]


def rebuild(portfolio_id: UUID, *, values_change: bool = True) -> None:
    """Delete the data derived from a portfolio's values and derive it again, with the portfolio locked.

    A write without Strata has not raised the revision. So this raises it, unless it is known that values are the same:
    otherwise stored totals and ETags would stay.
    """
    with transaction.atomic():
        lock(portfolio_id)
        clear(portfolio_id)
        derive(Asset.objects.filter(portfolio=portfolio_id))
        ForgottenPortfolio.objects.filter(portfolio=portfolio_id).delete()
        if values_change:
            raise_revision(portfolio_id)


def parts_of_rebuild(portfolio_id: UUID) -> Iterator[Callable[[], None]]:
    """The same of a portfolio that nobody sees, in parts for transactions of their own.

    What others write meanwhile, such as prices of its securities, raises its revision: then it is rebuilt at the end.
    """
    noted: list[int] = []

    def begin() -> None:
        lock(portfolio_id)
        clear(portfolio_id)
        noted[:] = revision_of(portfolio_id)

    def end() -> None:
        lock(portfolio_id)
        if noted != revision_of(portfolio_id):
            rebuild(portfolio_id)

    yield begin
    ids = Asset.objects.filter(portfolio=portfolio_id).order_by("pk").values_list("pk", flat=True)
    for batch in batched(list(ids), ASSETS_AT_A_TIME):
        yield partial(derive_part, batch)
    yield end


def derive_part(asset_ids: Collection[UUID]) -> None:
    """A write since the first part may have made months and gaps of these assets."""
    for table in (months, gaps):
        table.forget_of(asset_ids)
    derive(Asset.objects.filter(pk__in=asset_ids))


def revision_of(portfolio_id: UUID) -> list[int]:
    return list(portfolios().filter(pk=portfolio_id).values_list("revision", flat=True))


def clear(portfolio_id: UUID) -> None:
    delete_derived(portfolio_id)
    instruments = Asset.objects.filter(portfolio=portfolio_id, instrument__isnull=False).order_by()
    pack_if_forgotten(set(instruments.values_list("instrument_id", flat=True)))


def derive(assets: AssetQuerySet[Asset]) -> None:
    """Derive everything from the values of these assets, of which nothing is derived."""
    columns, new_months, new_gaps = DeltaColumns(), months.NewMonths(), list[Gap]()
    facts = facts_of(assets)
    for pk, days, values in registry.rebuilt(valuations_of(facts)):
        gap_places = [*places_of_none(values)]
        columns.add(facts[pk], days, without_none(values, 0, gap_places))
        new_months.add(pk, days, without_none(values, GAP, gap_places))
        new_gaps += gaps_at(pk, days, gap_places)
    new_months.insert()
    gaps.write(new_gaps)
    deltas.apply_deltas(columns.finished())


def delete_derived(portfolio_id: UUID) -> None:
    forget_portfolios([portfolio_id])
    for table in (months, gaps, quantities):
        table.forget_portfolio(portfolio_id)


def raise_revision(portfolio_id: UUID) -> None:
    portfolios().filter(pk=portfolio_id).update_unrecorded(revision=F("revision") + 1)


def forget(portfolio_id: UUID, *, values_change: bool = False) -> None:
    """Delete the data derived from a portfolio's values, and note that it is not there. In a transaction.

    The next report derives it again; until then, what it needs is calculated from the values.
    """
    lock(portfolio_id)
    delete_derived(portfolio_id)
    ForgottenPortfolio.objects.get_or_create(portfolio_id=portfolio_id)
    if values_change:
        raise_revision(portfolio_id)


def take_over(origin: UUID, target: UUID) -> None:
    """What is derived follows the assets of a portfolio that nobody sees, all of which were moved to another one.

    By the deltas of the first: their values need not be read. Both portfolios are locked.
    """
    if is_forgotten(origin):
        forget(target)
    else:
        deltas.take_over(origin, target)


def derive_if_forgotten(portfolio_id: UUID) -> None:
    """In a transaction: another process may have derived it meanwhile."""
    lock(portfolio_id)
    if is_forgotten(portfolio_id):
        rebuild(portfolio_id, values_change=False)


def is_forgotten(portfolio_id: UUID) -> bool:
    clock.require_present()
    return ForgottenPortfolio.objects.filter(portfolio=portfolio_id).exists()


def compare_and_rebuild(portfolio_id: UUID) -> bool:
    """Rebuild, and say whether anything was wrong. The portfolio is locked from the comparison to the end."""
    with transaction.atomic():
        lock(portfolio_id)
        outdated = is_outdated(portfolio_id)
        rebuild(portfolio_id)
    return outdated


def is_outdated(portfolio_id: UUID) -> bool:
    """Whether the portfolio's derived data differs from its values. It takes several queries: call it in one snapshot
    of the database, or with the portfolio locked. What is forgotten is not wrong.
    """
    if is_forgotten(portfolio_id):
        return False
    tables = (deltas, months, gaps)
    return any(table.differences(portfolio_id) for table in tables) or bool(outdated_assets(portfolio_id))


def outdated_assets(portfolio_id: UUID) -> set[UUID]:
    """The assets of a portfolio of which the source has derived something wrong besides values, or another source has
    left something: quantities are for market prices alone.
    """
    facts = facts_of(Asset.objects.filter(portfolio=portfolio_id))
    unpriced = [pk for pk, of_asset in facts.items() if not registry.has_market_price(of_asset.source)]
    return {*registry.outdated(valuations_of(facts)), *quantities.stored(unpriced)}


def lock(portfolio_id: UUID) -> None:
    lock_rows(portfolios().filter(pk=portfolio_id))


def portfolios() -> TrackedQuerySet[Portfolio]:
    return Portfolio.objects.order_by("pk")


# --- what runs with the writes of each model ---


class OfAssets(DerivedData):
    """A new asset has no values yet, so nothing is derived."""

    derived_from = frozenset(
        {"portfolio", "asset_type", "currency", "disposed_on", "counts_in_net_worth", "valuation", "shares"}
    )

    def capture(self, ids: list[UUID]) -> dict[UUID, AssetFacts]:
        return facts_of(Asset.objects.filter(pk__among=ids))

    def update(self, ids: list[UUID], before: dict[UUID, AssetFacts] | None) -> None:
        if before is not None:
            assets_written(before, self.capture(ids))

    def forget(self, ids: list[UUID]) -> bool:
        forget_assets(ids)
        return True


class OfPortfolios(DerivedData):
    def forget(self, ids: list[UUID]) -> bool:
        forget_portfolios(ids)
        return True

"""Keeps the derived data of assets at market prices up to date with every write that changes a value of theirs.

What such a value follows from is in many rows: transactions, corporate actions, the asset itself and all that is linked
to it, and recorded values, whose writes snapshot_upkeep follows. So the values of all assets that a write may concern
are read before it and after it. Of new rows it is known only afterwards which assets they concern: their values before
are those without the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from assets.holdings.reading import linked_assets
from assets.holdings.upkeep import OfTransactions as OfLinkedTransactions
from assets.holdings.upkeep import (
    WrittenAsset,
    linked_portfolios,
    portfolios_of,
    raise_revisions,
    written_assets,
)
from assets.models import Asset, Instrument, InstrumentAction, Transaction
from assets.models.querysets import AssetQuerySet
from assets.prices.store import lock_instruments
from assets.valuation import upkeep
from assets.valuation.deltas import facts_of
from assets.valuation.formulas.market import Points
from assets.valuation.sources.market_change import (
    Valued,
    apply_change,
    lock_portfolios_of,
    stored_before,
    stored_with,
    valued,
    valued_with,
)
from assets.valuation.sources.market_inputs import MARKET, all_inputs
from assets.valuation.sources.markets import SOURCE
from assets.valuation.totals.contributions import AssetFacts
from portfolios.models import Portfolio
from strata.audit.tracking import DerivedData
from strata.tenancy.guards import rows_are_locked

type ValuesBefore = Mapping[UUID, Valued]
type Without = Callable[[Collection[UUID]], Mapping[UUID, Points]]


def market_assets(rows: AssetQuerySet[Asset]) -> set[UUID]:
    return set(rows.filter(valuation=MARKET).order_by().values_list("pk", flat=True))


def of_households(household_ids: Collection[UUID]) -> AssetQuerySet[Asset]:
    return Asset.objects.filter(portfolio__household__pk__among=list(household_ids))


def update(
    before: ValuesBefore, concerned: Collection[UUID], without: Without, *, raised: Collection[UUID]
) -> None:
    """After a write that concerns these assets. `before` are the values of those that were known to be concerned before
    it; the values of the others before it are those `without` the rows that were written. The revisions of the
    portfolios `raised` were raised with the write, those of others that change are raised here.
    """
    ids = before.keys() | concerned
    if not ids:
        return
    lock_portfolios_of(ids)
    after = valued(ids)
    others = [pk for pk in concerned if pk not in before and pk in after]
    points = without(others) if others else {}
    earlier = {pk: Valued(after[pk].facts, points.get(pk, Points([], []))) for pk in others}
    raise_revisions(apply_change({**before, **earlier}, after) - set(raised))


def without_rows(ids: Collection[UUID]) -> Without:
    """The points of assets without these transactions, actions and assets."""
    return lambda asset_ids: SOURCE.all_points(asset_ids, without=frozenset(ids))


# --- transactions, and corporate actions ---


class OfTransactions(OfLinkedTransactions):
    """Besides the revisions of linked portfolios: the values of all holdings that follow from the transactions."""

    def capture(self, ids: list[UUID]) -> Any:
        written = written_assets(ids)
        return linked_portfolios(written), stored_before(concerned_by_transactions(written))

    def follow(self, ids: list[UUID], written: Collection[WrittenAsset], before: Any) -> None:
        linked, values = before or (set(), {})
        linked |= linked_portfolios(written)
        raise_revisions(linked)
        raised = linked | {asset.portfolio_id for asset in written}
        update(values, concerned_by_transactions(written), without_rows(ids), raised=raised)


def concerned_by_transactions(written: Collection[WrittenAsset]) -> set[UUID]:
    households = {asset.household_id for asset in written}
    if not households or not of_households(households).filter(valuation=MARKET).exists():
        return set()
    linked = linked_assets({asset.asset_id for asset in written}, households)
    return market_assets(Asset.objects.filter(pk__among=list(linked)))


class OfActions(DerivedData):
    """An action is in no portfolio, and changes the holdings of several: it raises their revisions."""

    def capture(self, ids: list[UUID]) -> Any:
        return portfolios_of(ids), stored_before(concerned_by_actions(ids))

    def update(self, ids: list[UUID], before: Any) -> None:
        portfolio_ids, values = before or (set(), {})
        portfolio_ids |= portfolios_of(ids)
        raise_revisions(portfolio_ids)
        update(values, concerned_by_actions(ids), without_rows(ids), raised=portfolio_ids)


def concerned_by_actions(ids: Collection[UUID]) -> set[UUID]:
    rows = InstrumentAction.objects.filter(pk__among=list(ids)).order_by()
    instruments: dict[UUID | None, set[UUID | None]] = {}
    for owner_id, *of_action in rows.values_list("household_id", "instrument_id", "to_instrument_id"):
        instruments.setdefault(owner_id, set()).update(of_action)
    holders: dict[UUID, UUID] = {}
    for household_id, instrument_ids in instruments.items():
        of_instruments = Asset.objects.filter(instrument__in=instrument_ids - {None}).order_by()
        if household_id is not None:
            of_instruments = of_instruments.filter(portfolio__household=household_id)
        holders.update(of_instruments.values_list("pk", "portfolio__household_id"))
    households = set(holders.values())
    candidates = market_assets(of_households(households)) if holders else set()
    return linked_assets(holders, households) & candidates if candidates else set()


# --- assets and portfolios ---


class AssetsBefore(NamedTuple):
    facts: dict[UUID, AssetFacts]
    market: ValuesBefore
    others: ValuesBefore


class OfAssets(upkeep.OfAssets):
    """An asset at market prices has its values from its own columns too, and may have some as soon as it is made."""

    derived_from = upkeep.OfAssets.derived_from | {"quantity", "instrument", "acquired_on"}

    def capture(self, ids: list[UUID]) -> AssetsBefore:  # type: ignore[override]  # what `update` gets
        facts = facts_of(Asset.objects.filter(pk__among=ids))
        others = stored_before(concerned_by_assets(ids))
        return AssetsBefore(facts, stored_with(at_market(facts)), others)

    def update(self, ids: list[UUID], before: Any) -> None:
        if before is None:
            self.added(ids)
            return
        facts = facts_of(Asset.objects.filter(pk__among=ids))
        involved = {*at_market(before.facts), *at_market(facts)}
        upkeep.assets_written(without_keys(before.facts, involved), without_keys(facts, involved))
        if involved:
            lock_instruments_of(involved)
            others = {pk: before.facts[pk] for pk in involved if pk not in before.market}
            earlier = {**before.market, **stored_with(others)}  # the write of an asset has not changed these
            apply_change(earlier, valued_with({pk: facts[pk] for pk in involved if pk in facts}))
        raised = {each.portfolio_id for each in (*before.facts.values(), *facts.values())}
        update(before.others, concerned_by_assets(ids), without_rows(ids), raised=raised)

    def added(self, ids: list[UUID]) -> None:
        held = Asset.objects.filter(pk__among=ids, instrument__isnull=False)
        if held.exists():
            at_market_prices = market_assets(held)
            lock_instruments_of(at_market_prices)
            apply_change({}, valued(at_market_prices))
            raised = set(held.values_list("portfolio_id", flat=True))
            update({}, concerned_by_assets(ids), without_rows(ids), raised=raised)

    def forget(self, ids: list[UUID]) -> bool:
        forget_with(ids)
        return super().forget(ids)


class OfPortfolios(upkeep.OfPortfolios):
    """Whether more may be sold than is held decides what is held."""

    derived_from = frozenset({"allow_short"})

    def capture(self, ids: list[UUID]) -> ValuesBefore:
        return stored_before(linked_to(Asset.objects.filter(portfolio__in=ids)))

    def update(self, ids: list[UUID], before: ValuesBefore | None) -> None:
        if before:
            raise_revisions(apply_change(before, valued(before)))

    def forget(self, ids: list[UUID]) -> bool:
        assets = Asset.objects.filter(portfolio__in=ids, instrument__isnull=False).order_by()
        forget_with(list(assets.values_list("pk", flat=True)))
        return super().forget(ids)


def lock_instruments_of(asset_ids: Collection[UUID]) -> None:
    """Against a writer of prices, who has not seen that these assets hold the instruments. Portfolios are locked first,
    there as here.
    """
    if asset_ids and rows_are_locked():
        held = Asset.objects.filter(pk__among=list(asset_ids), instrument__isnull=False).order_by()
        lock_instruments(set(held.values_list("instrument_id", flat=True)))


def at_market(facts: Mapping[UUID, AssetFacts]) -> dict[UUID, AssetFacts]:
    return {pk: of_asset for pk, of_asset in facts.items() if of_asset.valuation == MARKET}


def without_keys(facts: Mapping[UUID, AssetFacts], keys: Collection[UUID]) -> dict[UUID, AssetFacts]:
    return {pk: of_asset for pk, of_asset in facts.items() if pk not in keys}


def linked_to(assets: AssetQuerySet[Asset]) -> set[UUID]:
    """The assets at market prices to which transfers and actions link these, and they themselves."""
    columns = ("pk", "portfolio__household_id")
    owners = dict(assets.filter(instrument__isnull=False).order_by().values_list(*columns))
    households = set(owners.values())
    candidates = market_assets(of_households(households)) if owners else set()
    return linked_assets(owners, households) & candidates if candidates else set()


def concerned_by_assets(ids: Collection[UUID]) -> set[UUID]:
    """The others whose values depend on these assets: those that get something from them, and those with the same
    instrument, because new shares go to one of them.
    """
    held = Asset.objects.filter(pk__among=list(ids), instrument__isnull=False).order_by()
    owners = set(held.values_list("instrument_id", "portfolio__household_id"))
    instrument_ids = {instrument_id for instrument_id, _ in owners}
    if not owners or not (moves_shares(instrument_ids) or has_transfers(ids)):
        return set()
    near = of_households({household_id for _, household_id in owners})
    return linked_to(near.filter(instrument__in=instrument_ids)) - set(ids)


def moves_shares(instrument_ids: Collection[UUID | None]) -> bool:
    """Whether an action moves shares of these instruments, or makes them those of another."""
    moving = Q(instrument__in=instrument_ids, to_instrument__isnull=False)
    return InstrumentAction.objects.filter(moving | Q(to_instrument__in=instrument_ids)).exists()


def has_transfers(asset_ids: Collection[UUID]) -> bool:
    rows = Transaction.objects.filter(asset__pk__among=list(asset_ids), transfer_id__isnull=False)
    return rows.exists()


def forget_with(ids: list[UUID]) -> None:
    """Give others the values that they have without these assets, before these are deleted with all that is theirs."""
    before = stored_before(concerned_by_assets(ids))
    if before:
        inputs = all_inputs(before, without=frozenset(ids))
        after = {
            pk: Valued(before[pk].facts, of_asset.points(), of_asset.held) for pk, of_asset in inputs.items()
        }
        raise_revisions(apply_change(before, after))


# --- instruments ---


class OfInstruments(DerivedData):
    """What one unit of a price is, and for how long it counts, decides all values of those who hold the instrument."""

    derived_from = frozenset({"quote_unit", "max_age_days", "instrument_type"})

    def capture(self, ids: list[UUID]) -> tuple[set[UUID], ValuesBefore]:
        holders = Asset.objects.filter(instrument__in=ids).order_by()
        return set(holders.values_list("portfolio_id", flat=True)), stored_before(market_assets(holders))

    def update(self, ids: list[UUID], before: tuple[set[UUID], ValuesBefore] | None) -> None:
        if before is not None:
            portfolio_ids, values = before
            raise_revisions(portfolio_ids)
            apply_change(values, valued(values))


MODELS: Iterable[tuple[type[Any], DerivedData]] = (
    (Asset, OfAssets()),
    (Portfolio, OfPortfolios()),
    (Transaction, OfTransactions()),
    (InstrumentAction, OfActions()),
    (Instrument, OfInstruments()),
)

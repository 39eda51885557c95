"""What follows a write of corporate actions and of transactions: other portfolios change with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Q

from assets.holdings.reading import transfer_legs, with_linked
from assets.models import Asset, InstrumentAction, Transaction
from assets.rules.entries.disposal import DISPOSAL
from portfolios.models import Portfolio
from strata.audit.tracking import DerivedData
from strata.db.locks import lock_rows


class OfTransactions(DerivedData):
    """A transaction changes what has moved to other portfolios by a transfer: the cost of those lots."""

    derived_from = frozenset(
        {
            "asset",
            "type",
            "amount",
            "quantity",
            "fee",
            "tax",
            "currency",
            "occurred_at",
            "on",
            "position",
            "lots",
        }
    )

    def capture(self, ids: list[UUID]) -> set[UUID]:
        return linked_portfolios(written_assets(ids))

    def update(self, ids: list[UUID], before: set[UUID] | None) -> None:
        self.follow(ids, written_assets(ids), before)

    def update_new(self, rows: Sequence[Transaction]) -> None:
        self.follow([row.pk for row in rows], assets_of_new(rows), None)

    def follow(self, ids: list[UUID], written: Collection[WrittenAsset], before: Any) -> None:
        """After a write of the transactions, which moves units of the assets `written`."""
        raise_revisions(linked_portfolios(written) | (before or set()))


class WrittenAsset(NamedTuple):
    asset_id: UUID
    portfolio_id: UUID
    household_id: UUID


def written_assets(transaction_ids: Collection[UUID]) -> set[WrittenAsset]:
    """The assets of those of the transactions that move units, or may: a disposal moves all that is held."""
    moves_units = Q(quantity__isnull=False) | Q(transfer_id__isnull=False) | Q(source=DISPOSAL)
    rows = Transaction.objects.filter(moves_units, pk__among=list(transaction_ids)).order_by()
    columns = ("asset_id", "asset__portfolio_id", "asset__portfolio__household_id")
    return {WrittenAsset._make(row) for row in rows.values_list(*columns).distinct()}


def assets_of_new(rows: Sequence[Transaction]) -> set[WrittenAsset]:
    """`written_assets` of rows that were just inserted, without a query where their parents are in memory."""
    moving = {
        row.asset_id: row
        for row in rows
        if row.quantity is not None or row.transfer_id is not None or row.source == DISPOSAL
    }
    if not all(row.knows_its_household() for row in moving.values()):
        return written_assets([row.pk for row in rows])
    return {
        WrittenAsset(pk, row.asset.portfolio_id, row.asset.portfolio.household_id)
        for pk, row in moving.items()
    }


def linked_portfolios(written: Collection[WrittenAsset]) -> set[UUID]:
    """The other portfolios that transfers link to the assets. Mostly there are none: one query."""
    if not written:
        return set()
    transfers = transfer_legs({asset.household_id for asset in written})
    if not transfers.by_transfer:
        return set()
    linked = with_linked({asset.asset_id for asset in written}, transfers)
    others = Asset.objects.filter(pk__among=list(linked)).order_by().values_list("portfolio_id", flat=True)
    return set(others) - {asset.portfolio_id for asset in written}


def portfolios_of(action_ids: Collection[UUID]) -> set[UUID]:
    """The portfolios with an asset that one of the actions is about."""
    rows = InstrumentAction.objects.filter(pk__among=list(action_ids))
    portfolio_ids: set[UUID] = set()
    for household_id, *instrument_ids in rows.values_list(
        "household_id", "instrument_id", "to_instrument_id"
    ):
        holders = Asset.objects.filter(instrument__in=[pk for pk in instrument_ids if pk is not None])
        of_household = Q() if household_id is None else Q(portfolio__household=household_id)
        portfolio_ids.update(holders.filter(of_household).order_by().values_list("portfolio_id", flat=True))
    return portfolio_ids


def raise_revisions(portfolio_ids: Collection[UUID]) -> None:
    if portfolio_ids:
        rows = Portfolio.objects.filter(pk__among=list(portfolio_ids))
        lock_rows(rows.order_by("pk"))
        rows.update_unrecorded(revision=F("revision") + 1)

"""What follows a write of corporate actions and of transactions: other portfolios change with them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import F, Q

from assets.holdings.reading import transfer_legs, with_linked
from assets.models import Asset, InstrumentAction, Transaction
from portfolios.models import Portfolio
from strata.audit.tracking import DerivedData
from strata.db.locks import lock_rows


class OfActions(DerivedData):
    """An action is in no portfolio, and changes the holdings of several: it raises their revisions."""

    def capture(self, ids: list[UUID]) -> set[UUID]:
        return portfolios_of(ids)

    def update(self, ids: list[UUID], before: set[UUID] | None) -> None:
        raise_revisions(portfolios_of(ids) | (before or set()))


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
        return linked_portfolios(ids)

    def update(self, ids: list[UUID], before: set[UUID] | None) -> None:
        raise_revisions(linked_portfolios(ids) | (before or set()))


def linked_portfolios(transaction_ids: Collection[UUID]) -> set[UUID]:
    """The other portfolios that transfers link to the assets of the transactions. Mostly there are none: one query."""
    rows = Transaction.objects.filter(pk__among=list(transaction_ids), quantity__isnull=False).order_by()
    columns = ("asset_id", "asset__portfolio_id", "asset__portfolio__household_id")
    written = set(rows.values_list(*columns).distinct())
    if not written:
        return set()
    transfers = transfer_legs({household_id for *_, household_id in written})
    linked = with_linked({asset_id for asset_id, *_ in written}, transfers)
    others = Asset.objects.filter(pk__among=list(linked)).order_by().values_list("portfolio_id", flat=True)
    return set(others) - {portfolio_id for _, portfolio_id, _ in written}


def portfolios_of(action_ids: Collection[UUID]) -> set[UUID]:
    """The portfolios with an asset that one of the actions is about."""
    rows = InstrumentAction.objects.filter(pk__among=list(action_ids))
    found: set[UUID] = set()
    for household_id, *instrument_ids in rows.values_list(
        "household_id", "instrument_id", "to_instrument_id"
    ):
        holders = Asset.objects.filter(instrument__in=[pk for pk in instrument_ids if pk is not None])
        of_household = Q() if household_id is None else Q(portfolio__household=household_id)
        found.update(holders.filter(of_household).order_by().values_list("portfolio_id", flat=True))
    return found


def raise_revisions(portfolio_ids: Collection[UUID]) -> None:
    if portfolio_ids:
        rows = Portfolio.objects.filter(pk__among=list(portfolio_ids))
        lock_rows(rows.order_by("pk"))
        rows.update_unrecorded(revision=F("revision") + 1)

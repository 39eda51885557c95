"""Writes and reads the order in which a portfolio's assets are shown."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext

from assets.models import Asset, AssetOrder
from assets.models.asset_order import as_text
from portfolios.models import Portfolio
from strata.exceptions import Invalid, NotFound
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parent, save_changes


@atomic_write
def set_asset_order(
    portfolio_id: UUID, asset_ids: Sequence[UUID], *, precondition: Precondition = always
) -> None:
    """The assets in this order; those that are not named come after them, by name.

    404 for an asset that is not in the portfolio, 400 for one that is named twice. `precondition` gets the portfolio.
    """
    portfolio = locked_parent(AssetOrder, Portfolio.objects.all(), portfolio_id, "portfolio")
    precondition(portfolio)
    refuse_absent_and_repeated(portfolio_id, asset_ids)
    row = AssetOrder.objects.filter(portfolio=portfolio).first()
    if row is not None:
        save_changes(row, {"asset_ids": as_text(asset_ids)})
    elif asset_ids:
        AssetOrder.objects.create(portfolio=portfolio, asset_ids=as_text(asset_ids))


def refuse_absent_and_repeated(portfolio_id: UUID, asset_ids: Sequence[UUID]) -> None:
    present = assets_in(portfolio_id)
    known: set[UUID] = set()
    for place, pk in enumerate(asset_ids):
        if pk not in present:
            raise NotFound("asset", f"asset_ids[{place}]")
        if pk in known:
            raise Invalid(f"asset_ids[{place}]", gettext("It is named before."), "repeated")
        known.add(pk)


def asset_order(portfolio_id: UUID) -> list[UUID]:
    """The ids of the assets that have a place, in order; without those that are not in the portfolio any more."""
    row = AssetOrder.objects.filter(portfolio=portfolio_id).first()
    if row is None:
        return []
    present = assets_in(portfolio_id)
    return [pk for pk in row.ids if pk in present]


def assets_in(portfolio_id: UUID) -> set[UUID]:
    return set(Asset.objects.filter(portfolio=portfolio_id).order_by().values_list("pk", flat=True))

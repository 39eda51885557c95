"""New assets that nobody sees until they are shown: much of a large import is written before its commit.

They are in a portfolio of a household without members (strata.audit.hidden_writes). All of them are shown in one short
transaction, whatever they have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from assets.models import Asset
from assets.services.assets import NewAsset, checked_asset, require_types
from assets.valuation import upkeep
from portfolios.models import Household, Portfolio
from strata.audit import actor, deletions
from strata.audit.batches import record_batch
from strata.audit.clock import written_at
from strata.audit.guarding import raise_revisions
from strata.audit.models import Action
from strata.audit.recording import write_creations


def add_hiding_place(portfolio: Portfolio, holder_id: UUID) -> None:
    """A portfolio like this one, in a household without members; both have the id `holder_id`."""
    deletions.add_holder(holder_id)
    place = Portfolio(
        pk=holder_id,
        household_id=holder_id,
        name=deletions.HIDDEN,
        base_currency=portfolio.base_currency,
        time_zone=portfolio.time_zone,
    )
    deletions.unrecorded(place)


def insert_hidden(portfolio: Portfolio, holder_id: UUID, rows: Sequence[NewAsset]) -> list[Asset]:
    """Assets as they will be in the portfolio, without labels, in the hiding place."""
    require_types([row.asset_type_id for row in rows], portfolio.household_id)
    assets = [checked_asset(portfolio, row) for row in rows]
    for asset in assets:
        asset.portfolio_id = holder_id
    return deletions.insert_unrecorded(assets)


def show_hidden(portfolio: Portfolio, holder_id: UUID, counts: Mapping[Action, int]) -> dict[UUID, Asset]:
    """Move all assets of the hiding place to the portfolio, which is locked. They begin to exist now.

    `counts` are how many values and transactions they have, by what the history of the portfolio calls it: it has one
    entry for all values, and one for all transactions.
    """
    manager: Any = Asset._base_manager
    hidden = manager.filter(portfolio=holder_id)
    ids, now, user = (
        list(hidden.order_by("pk").values_list("pk", flat=True)),
        written_at(),
        actor.current().user,
    )
    upkeep.lock(holder_id)
    raise_revisions(Asset, [portfolio.pk])
    hidden.update_unrecorded(
        portfolio=portfolio, created_at=now, updated_at=now, created_by=user, updated_by=user
    )
    shown = Asset.objects.filter(pk__among=ids)
    write_creations(shown)
    upkeep.take_over(holder_id, portfolio.pk)
    for action, count in counts.items():
        if count:
            record_batch(Portfolio, {portfolio.pk: count}, action)
    for model in (Portfolio, Household):
        deletions.delete_unrecorded(model._base_manager.filter(pk=holder_id))
    assets = {asset.pk: asset for asset in shown}
    for asset in assets.values():
        asset.portfolio = portfolio
    return assets

"""What a preview depends on, as one text: if it is the same at the commit, the preview is still true."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count, Max

from assets.models import Asset, AssetSnapshot, Transaction
from imports.services.planning.instruments import state_of_instruments
from portfolios.models import Portfolio


def state_of(
    portfolio: Portfolio, asset_ids: Iterable[UUID], instruments: Collection[Mapping[str, Any]] = ()
) -> str:
    """Of the portfolio, of which assets it has, and of all that belongs to these; not of values of other assets.

    `instruments` are those of the file, as the summary has them: which stored ones they are.
    """
    ids = sorted(asset_ids)
    assets = Asset.objects.filter(portfolio=portfolio).order_by("pk")
    parts: list[Any] = [portfolio.updated_at, list(assets.values_list("pk", "name_key", "currency"))]
    parts.append(list(assets.filter(pk__in=ids).values_list("pk", "updated_at", "instrument__updated_at")))
    for model in (AssetSnapshot, Transaction):
        rows = model._base_manager.filter(asset__in=ids).order_by().values_list("asset_id")
        parts.append(sorted(rows.annotate(Count("pk"), Max("updated_at")), key=str))
    if instruments:
        parts.append(state_of_instruments(portfolio.household_id, instruments))
    return hashlib.sha256(repr(parts).encode()).hexdigest()

"""Recorded values as anchors: what a computed source continues from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from assets.valuation.sources.snapshots_sql import values_between

type Anchors = tuple[tuple[date, int], ...]  # day and ten-thousandths, oldest first, one a day


def anchors_of(asset_ids: Sequence[UUID]) -> dict[UUID, Anchors]:
    """All recorded values of each of the assets, in one query; assets without any are left out."""
    recorded = values_between(asset_ids, date.min, date.max)
    return {
        pk: tuple((on, amount) for on, amount in zip(days, amounts, strict=True) if amount is not None)
        for pk, days, amounts in recorded
    }

"""Finds a free instant for a value that was sent without one."""

from __future__ import annotations

from datetime import datetime, timedelta

from assets.models import Asset


def next_free_instant(asset: Asset, at: datetime) -> datetime:
    """`at`, or the first microsecond after it that no snapshot of the asset has."""
    taken = set(
        asset.snapshots.filter(observed_at__gte=at, observed_at__lt=at + timedelta(seconds=1)).values_list(
            "observed_at", flat=True
        )
    )
    while at in taken:
        at += timedelta(microseconds=1)
    return at

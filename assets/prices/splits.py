"""The splits of instruments, by which prices of feeds are converted back (assets.prices.conversion)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from assets.prices.conversion import Split


def splits_of(instrument_ids: Collection[UUID]) -> dict[UUID, list[Split]]:
    """The splits of each instrument that has any, the oldest first. There are none before corporate actions exist."""
    return {}

"""The splits of instruments, by which prices of feeds are converted back (assets.prices.conversion)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from assets.holdings.actions import share_ratios
from assets.prices.conversion import Split


def splits_of(
    instrument_ids: Collection[UUID], household_id: UUID | None = None, without: Collection[UUID] = ()
) -> dict[UUID, list[Split]]:
    """The splits and stock dividends of each instrument that has any, the oldest first; but for the actions `without`.

    Of a shared instrument those of all, and those that the household entered.
    """
    by_instrument = share_ratios(instrument_ids, household_id, without)
    return {pk: [Split(*ratio) for ratio in ratios] for pk, ratios in by_instrument.items()}

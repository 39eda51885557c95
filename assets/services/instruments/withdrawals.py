"""Withdraws loads of prices: from now on none of their prices counts, and those that they replaced count again.

Nothing is deleted: what was known before still shows the prices. A later load that has replaced one stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from assets.models import Instrument, PriceLoad
from assets.prices.hooks import writing_prices
from assets.prices.store import lock_to_write, pack_if_forgotten
from assets.prices.withdrawing import count_prices, withdrawal_of, years_of_loads
from strata.audit import deletions
from strata.audit.clock import written_at
from strata.tenancy.guards import read_locked
from strata.tenancy.writes import atomic_write


@atomic_write
def lock_loads(load_ids: Collection[UUID]) -> list[UUID]:
    """Lock the loads with all that their prices change, in the one order of locks. Returns those that still count."""
    counting = PriceLoad._base_manager.filter(pk__among=list(load_ids), withdrawn_at=None)
    ids = [row.pk for row in read_locked(counting)]
    if ids:
        lock_to_write(years_of_loads(ids))
    return ids


@atomic_write
def withdraw_loads(load_ids: Collection[UUID]) -> int:
    """Withdraw loads. Returns how many prices they have; those that are withdrawn already change nothing."""
    ids = lock_loads(load_ids)
    if not ids:
        return 0
    years = years_of_loads(ids)
    pack_if_forgotten(set(years))
    withdrawal = withdrawal_of(ids, years)
    stored = deletions.without_hidden(Instrument._base_manager.filter(pk__among=list(withdrawal.days)))
    held = set(stored.values_list("pk", flat=True))  # nobody sees what the others value
    with writing_prices(lambda: {pk: days for pk, days in withdrawal.days.items() if pk in held}):
        PriceLoad.objects.filter(pk__among=ids).update(withdrawn_at=written_at())
        withdrawal.write_packs()
    return count_prices(ids)

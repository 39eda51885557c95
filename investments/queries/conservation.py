"""Recomputes the lots of all assets by every method, and says what does not agree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import batched

from assets.holdings.reading import read_ledger
from assets.models import Asset
from investments.calculations.conservation import Fault, faults
from strata.audit import deletions

ASSETS_AT_A_TIME = 200


def faults_of_all_lots() -> Iterator[Fault]:
    """The faults of every asset with transactions. What is in memory is of a few hundred assets, and of those that
    transfers and actions link to them.
    """
    # nosemgrep: reports-name-their-rows - doctor looks at all
    shown = Asset.objects.exclude(portfolio__household_id__in=deletions.hiding_households())
    with_transactions = shown.filter(transactions__isnull=False).order_by("portfolio_id", "pk").distinct()
    ids = with_transactions.values_list("pk", flat=True).iterator(chunk_size=2000)
    for batch in batched(ids, ASSETS_AT_A_TIME):
        wanted = set(batch)
        yield from (fault for fault in faults(read_ledger(wanted)) if fault.asset_id in wanted)

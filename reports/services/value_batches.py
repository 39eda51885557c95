"""What a batch of values would do, and by how much it would change the totals. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from assets.services.entries.value_batches import ValueBatch, ValueRow, plan_values, write_batch
from reports.queries.totals import totals_on_days
from strata.tenancy.writes import atomic_write


@dataclass(frozen=True, slots=True)
class TotalChange:
    """A portfolio's total on a day, in its own currency, without and with the rows of a batch."""

    portfolio_id: UUID
    on: date
    currency: str
    before: Decimal
    after: Decimal
    complete: bool  # False where either leaves out an amount without a rate

    @property
    def change(self) -> Decimal:
        return self.after - self.before


@atomic_write
def preview_values(rows: Mapping[int, ValueRow], **options: Any) -> tuple[ValueBatch, list[TotalChange]]:
    """What `record_values` would do with the rows and these options: its batch, and for each portfolio of the rows its
    total on the last day that they name in it. Raises what `record_values` raises.

    The rows are written and rolled back: then the totals are right, whatever the values of the assets come from.
    """
    batch = plan_values(rows, **options)
    days = batch.last_days
    before = totals_on_days(days)
    with transaction.atomic():
        write_batch(batch)
        after = totals_on_days(days)
        transaction.set_rollback(True)
    return batch, [
        TotalChange(
            portfolio_id=pk,
            on=total.on,
            currency=total.currency,
            before=total.value,
            after=after[pk].value,
            complete=total.complete and after[pk].complete,
        )
        for pk, total in before.items()
    ]

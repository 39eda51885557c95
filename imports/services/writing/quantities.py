"""What the undo of an import does with the quantities that files say are held: those of other files stay true."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from assets.models import Asset, Transaction
from assets.services.entries.transactions import add_transaction, update_transaction
from imports.models import Import
from imports.services.planning.known_rows import known_rows, used_by
from imports.services.planning.quantities import ADJUST, PREFIX, Holding, holdings_of, reference_of


class StatedQuantities:
    """Read it before the undo writes: what the import has stated is forgotten then."""

    def __init__(self, row: Import) -> None:
        assets = Asset.objects.filter(portfolio__household=row.portfolio.household_id)
        ids = assets.filter(pk__in=used_by(row.pk)).values_list("pk", flat=True)
        self.known = known_rows(list(ids))
        self.holdings = holdings_of(self.known)
        self.others = known_rows(self.holdings, without=row.pk) if self.holdings else {}

    def is_remembered(self, row: Transaction) -> bool:
        """Whether the correction follows from what files say; one from before that was remembered is kept as it is."""
        is_correction = row.type == ADJUST and (row.external_id or "").startswith(PREFIX)
        known = self.known.get(row.asset_id)
        return is_correction and known is not None and row.on in known.stated

    def without_use(self) -> list[UUID]:
        """The corrections to what no other import says."""
        return [
            row.pk
            for asset_id, holding in self.holdings.items()
            for on, rows in holding.stored.items()
            if on in self.known[asset_id].stated and not self._is_stated_elsewhere(asset_id, on)
            for row in rows
        ]

    def is_stated_by_others(self, asset_id: UUID) -> bool:
        return asset_id in self.others and bool(self.others[asset_id].stated)

    def _is_stated_elsewhere(self, asset_id: UUID, on: Any) -> bool:
        return asset_id in self.others and on in self.others[asset_id].stated

    def settle(self, source: str, *, without: Collection[UUID] = ()) -> int:
        """Correct what is left, after the undo has removed its rows. Returns how many corrections have changed.

        The assets `without` are removed with all their rows.
        """
        changed = 0
        left = set(Asset.objects.filter(pk__in=list(self.holdings)).values_list("pk", flat=True)) - {*without}
        corrections = Transaction.objects.filter(
            asset__pk__among=list(left), type=ADJUST, external_id__startswith=PREFIX
        )
        stored: dict[UUID, dict[Any, list[Transaction]]] = {pk: {} for pk in left}
        for row in corrections.order_by("pk"):
            stored[row.asset_id].setdefault(row.on, []).append(row)
        for asset_id in left:
            holding = Holding(asset_id, self._still_stated(asset_id, stored[asset_id]), stored[asset_id])
            for item, correction in holding.changes({}, ""):
                if correction is not None:
                    update_transaction(correction.pk, {"quantity": item.quantity})
                else:
                    values: dict[str, Any] = {"source": source, "external_id": reference_of(item.on)}
                    add_transaction(asset_id, on=item.on, type=ADJUST, quantity=item.quantity, **values)
                changed += 1
        return changed

    def _still_stated(self, asset_id: UUID, stored: Mapping[Any, Any]) -> dict[Any, Any]:
        remembered = self.known[asset_id].stated
        others = self.others[asset_id].stated if asset_id in self.others else {}
        return {
            on: others.get(on, quantity)
            for on, quantity in self.holdings[asset_id].stated.items()
            if on in others or (on not in remembered and on in stored)
        }

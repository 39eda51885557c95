"""What corrects a holding to the quantities that files say: in whatever order the files are imported, each of these is
what is held at the end of its day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from assets.holdings.events import (
    QUANTITY_PLACES,
    Action,
    ActionType,
    AssetEvents,
    Event,
    Trade,
    TradeType,
    event_order,
    quantity_units,
)
from assets.holdings.quantities import corrections, quantities
from assets.holdings.reading import read_ledger
from assets.models import Transaction
from imports.formats.rows import ActionItem, QuantityItem
from imports.services.planning.known_rows import Written
from strata.audit import journal
from strata.fields.ids import uuid7
from strata.fields.numbers import EXACT

ADJUST = "ADJUST"
NOTHING: Mapping[date, Decimal] = {}
PREFIX = "quantity-"  # of the reference of a correction


def reference_of(on: date) -> str:
    return f"{PREFIX}{on.isoformat()}"


class Move(NamedTuple):
    """Units that a booking of the file moves. `quantity` has a sign for ADJUST and TRANSFER only."""

    type: str
    on: date
    quantity: Decimal


@dataclass(slots=True)
class Holding:
    """What is known of the quantities of one account: what files state, and the corrections that are stored.

    `moves`, `actions` and `changed` are what this file does: bookings that are new, splits that are new, and the ids of
    stored bookings that it changes.
    """

    asset_id: UUID | None = None
    stated: dict[date, Decimal] = field(default_factory=dict)
    stored: dict[date, list[Transaction]] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    actions: list[ActionItem] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)

    @property
    def is_moved(self) -> bool:
        return bool(self.moves or self.actions or self.changed)

    def row_of(self, on: date) -> Transaction | None:
        """The correction of an earlier file's day."""
        rows = self.stored.get(on)
        return rows[-1] if rows else None

    def corrections(self, stated: Mapping[date, Decimal] = NOTHING, source: str = "") -> dict[date, Decimal]:
        """What the correction of each day has to be, so that at its end there is what is stated for it.

        `stated` is what a file of this source says: it goes before what earlier ones have stated.
        """
        wanted = {**self.stated, **stated}
        if not wanted:
            return {}
        left_out = self.changed | {row.pk for row in self._replaced(stated, source)}
        ledger = dict(read_ledger([self.asset_id], without=left_out)) if self.asset_id else {}
        asset_id = self.asset_id or uuid7()
        own = ledger.get(asset_id) or AssetEvents(asset_id, "", [])
        last = datetime.max.replace(tzinfo=UTC)
        days = {uuid7(): on for on in sorted(wanted)}
        events: list[Event] = [*own.events, *map(trade_of, self.moves), *map(action_of, self.actions)]
        events += [Trade(pk, TradeType.ADJUST, on, last, 0, own.currency, 0) for pk, on in days.items()]
        ledger[asset_id] = own._replace(events=sorted(events, key=event_order))
        units = {pk: quantity_units(wanted[on]) for pk, on in days.items()}
        return {days[pk]: _decimal(missing) for pk, missing in corrections(ledger, units).items()}

    def changes(
        self, own: Mapping[date, Decimal], source: str
    ) -> list[tuple[QuantityItem, Transaction | None]]:
        """The corrections of earlier files' days that have to be others, each with what is stored; not `own` days."""
        for _ in range(2):  # the second time without those that were changed by hand
            changed = [
                (QuantityItem("", on, quantity), self.row_of(on))
                for on, quantity in self.corrections(own, source).items()
                if on not in own and quantity != quantity_in(self.row_of(on))
            ]
            by_hand = changed_by_hand(row.pk for _, row in changed if row)
            if not by_hand:
                break
            for item, row in changed:
                if row and row.pk in by_hand:
                    del self.stated[item.on]
        return changed

    def _replaced(self, stated: Mapping[date, Decimal], source: str) -> Iterator[Transaction]:
        """Stored corrections that are computed again: a file changes those of its own source, and adds to others."""
        for on, rows in self.stored.items():
            if on in stated:
                yield from (row for row in rows if row.source == source)
            elif on in self.stated:
                yield rows[-1]


def quantity_in(row: Transaction | None) -> Decimal:
    return (row.quantity if row else None) or Decimal(0)


def trade_of(move: Move) -> Trade:
    at = datetime.combine(move.on, time(12), UTC)
    kind = TradeType(move.type)
    transfer = uuid7() if kind is TradeType.TRANSFER else None
    return Trade(uuid7(), kind, move.on, at, 0, "", quantity_units(move.quantity), transfer_id=transfer)


def action_of(item: ActionItem) -> Action:
    return Action(uuid7(), ActionType(item.type), item.on, item.numerator, item.denominator)


def holdings_of(known: Mapping[UUID, Written]) -> dict[UUID, Holding]:
    """Of each of the assets what earlier imports have stated of its quantities, and how they have corrected it.

    A correction that was deleted by hand, or changed, is not corrected again.
    """
    corrected = {pk for pk, written in known.items() if written.stated or has_corrections(written.references)}
    if not corrected:
        return {}
    rows = Transaction.objects.filter(
        asset__pk__among=list(corrected), type=ADJUST, external_id__startswith=PREFIX
    )
    holdings = {pk: Holding(pk, dict(known[pk].stated)) for pk in corrected}
    for row in rows.order_by("pk"):
        holding = holdings[row.asset_id]
        holding.stored.setdefault(row.on, []).append(row)
    for pk, holding in holdings.items():
        state_what_is_held(holding)
        for on in [on for on in holding.stated if on not in holding.stored]:
            if reference_of(on) in known[pk].references:
                del holding.stated[on]
    return holdings


def state_what_is_held(holding: Holding) -> None:
    """Of corrections that were made before quantities were remembered: what is held is what their files said."""
    unknown = holding.stored.keys() - holding.stated.keys()
    if unknown and holding.asset_id:
        held = quantities(read_ledger([holding.asset_id]))[holding.asset_id]
        holding.stated |= {on: _decimal(held.on(on)) for on in unknown}


def changed_by_hand(ids: Iterable[UUID]) -> set[UUID]:
    """Those of the rows that something other than an import has changed or deleted."""
    return journal.changed_outside("import:", ids)


def has_corrections(references: Collection[str]) -> bool:
    return any(reference.startswith(PREFIX) for reference in references)


def _decimal(units: int | Fraction) -> Decimal:
    """Parts of units that no decimal number can say are rounded to its last place."""
    return Decimal(round(units)).scaleb(-QUANTITY_PLACES, EXACT)

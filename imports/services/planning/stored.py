"""What is stored already of each item of a few thousand rows, found in sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from assets.models import AssetSnapshot, InstrumentAction, Transaction
from assets.prices.store import stored_prices
from assets.services.entries.stored_transactions import Key, stored_transactions
from assets.services.entries.stored_values import Moment, stored_values
from imports.formats.rows import (
    ActionItem,
    CancelItem,
    OfAccount,
    PriceItem,
    ValueItem,
)
from imports.services.planning.accounts import AccountPlan
from imports.services.planning.instruments import InstrumentPlan
from portfolios.models import Portfolio
from strata.fields.dates import noon
from strata.fields.numbers import EXACT


@dataclass(slots=True)
class Booked:
    """An item of an account: a value, a booking, or a quantity. `reference` is that of a booking."""

    item: OfAccount | CancelItem
    plan: AccountPlan
    reference: str = ""
    value: AssetSnapshot | None = None
    transaction: Transaction | None = None

    @property
    def stored(self) -> AssetSnapshot | Transaction | None:
        return self.value or self.transaction


@dataclass(slots=True)
class Quoted:
    """An item of an instrument: a price or an action."""

    item: PriceItem | ActionItem
    plan: InstrumentPlan
    price: Decimal | None = None
    has_action: bool = False


type Planned = Booked | Quoted


def find_values(every: Iterable[Planned], portfolio: Portfolio) -> None:
    """The value that counts on the day of each item, where the account is an asset already."""
    dated, zone = [], portfolio.time_zone
    for planned in every:
        if isinstance(planned.item, ValueItem) and isinstance(planned, Booked) and planned.plan.asset:
            on = planned.item.on
            dated.append((planned, Moment(planned.plan.asset, on, noon(on, zone))))
    for (planned, _), stored in zip(dated, stored_values([at for _, at in dated]), strict=True):
        planned.value = stored.of_day


def find_transactions(keyed: Mapping[Key, Booked]) -> None:
    """The transaction that has the asset, the source and the reference of each item."""
    for key, row in stored_transactions(keyed).items():
        keyed[key].transaction = row


def find_cancelled(rows: Iterable[Sequence[Planned]], source_of: Callable[[AccountPlan], str]) -> None:
    """The bookings that rows without an id cancel: those with the same numbers, with what belongs to them."""
    taken: set[UUID] = set()
    for several in rows:
        cancelled = [
            (planned, planned.item.booking, planned.plan.asset)
            for planned in several
            if isinstance(planned, Booked) and isinstance(planned.item, CancelItem) and not planned.reference
        ]
        first = ""
        for planned, booking, asset in cancelled:
            if asset is None:
                continue
            same = Transaction.objects.filter(asset=asset, source=source_of(planned.plan))
            if booking.leg:
                same = same.filter(external_id=f"{first}/{booking.leg}") if first else same.none()
            else:
                numbers = {"quantity": booking.quantity, "amount": booking.amount}
                same = same.filter(type=booking.type, on=booking.on, **numbers)
            stored = next((row for row in same.order_by("pk") if row.pk not in taken), None)
            if stored is not None:
                taken.add(stored.pk)
                planned.transaction, planned.reference = stored, stored.external_id or ""
                first = first or planned.reference


def find_prices(every: Iterable[Planned]) -> None:
    """The price that counts on the day of each item."""
    quoted = [
        (planned, planned.item, planned.plan.stored.pk)
        for planned in every
        if isinstance(planned, Quoted) and isinstance(planned.item, PriceItem) and planned.plan.stored
    ]
    if not quoted:
        return
    years = [item.on.year for _, item, _ in quoted]
    stored = stored_prices({pk for *_, pk in quoted}, min(years), max(years))
    known: dict[UUID, dict[int, Decimal]] = {}
    for pk, prices in stored.items():
        every_price = zip(prices.every.ordinals, prices.every.numbers, strict=True)
        known[pk] = {on: Decimal(number).scaleb(-prices.every.scale, EXACT) for on, number in every_price}
    for planned, item, pk in quoted:
        planned.price = known.get(pk, {}).get(item.on.toordinal())


def find_actions(every: Sequence[Planned], household_id: UUID) -> None:
    """Whether the household, or everybody, has the action already."""
    quoted = [
        (planned, planned.item, planned.plan.stored.pk)
        for planned in every
        if isinstance(planned, Quoted) and isinstance(planned.item, ActionItem) and planned.plan.stored
    ]
    if not quoted:
        return
    rows = InstrumentAction.objects.filter(instrument__in={pk for *_, pk in quoted})
    columns = ("instrument_id", "type", "on", "household_id")
    stored: set[tuple[UUID, str, date]] = {
        (pk, kind, on)
        for pk, kind, on, owner in rows.order_by().values_list(*columns)
        if owner in (None, household_id)
    }
    for planned, item, pk in quoted:
        planned.has_action = (pk, item.type, item.on) in stored

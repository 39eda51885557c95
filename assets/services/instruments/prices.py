"""Records prices: rows in, and what became of them out. A load has who and when once, for all of its prices.

The rows were read by assets.services.instruments.price_rows. The households of the instruments are locked first,
then the portfolios that the prices value, then the instruments: two loads of the same one run one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from assets.models import Instrument, PriceLoad
from assets.prices.conversion import NOT_ADJUSTED
from assets.prices.merging import YearOfPrices
from assets.prices.planning import NewPrice, Plan, plan
from assets.prices.splits import splits_of
from assets.prices.store import (
    StoredPrices,
    lock_to_write,
    stored_prices,
    write_prices,
)
from assets.rules.instruments.prices import PRICE_JUMP
from portfolios.models import Household
from strata.exceptions import Invalid, NotFound, StrataError
from strata.fields.active_formats import day_text
from strata.tenancy.batches import DuplicateRow, OnError, Refusals
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parents

type NewPrices = Mapping[UUID, Sequence[NewPrice | tuple[int, int, int, int]]]  # by instrument


@dataclass(frozen=True, slots=True)
class LoadTerms:
    """What holds for all prices of a load. `adjusted_to` is set where the feed has divided them by later splits."""

    source: str
    adjusted_to: date | None = None
    accept_jumps: bool = False

    @property
    def adjusted_ordinal(self) -> int:
        return NOT_ADJUSTED if self.adjusted_to is None else self.adjusted_to.toordinal()


@dataclass(slots=True)
class Recorded:
    """`load_id` is None where nothing was written. Each household has a load of its own: it is that of the first."""

    load_id: UUID | None
    plans: Mapping[UUID, Plan]
    refusals: Refusals

    def count(self, outcome: str) -> int:
        """Of `created`, `replaced` or `skipped`."""
        return sum(getattr(each, outcome) for each in self.plans.values())


@atomic_write
def record_prices(
    prices: NewPrices,
    terms: LoadTerms,
    *,
    on_error: OnError = OnError.SKIP,
    refusals: Refusals | None = None,
    precondition: Precondition = always,
    instrument_field: str = "instrument_id",
    dry_run: bool = False,
) -> Recorded:
    """Record prices of any instruments; `refusals` are the rows that the caller has refused.

    `precondition` gets each locked instrument once. Raises RowsRefused, or AllRowsRefused with `on_error` SKIP.
    Errors of rows: 404 INSTRUMENT_NOT_FOUND, what the precondition raises, DUPLICATE_ROW and PRICE_JUMP.
    """
    refused = Refusals() if refusals is None else refusals
    instruments = locked_instruments(prices)
    writable = without_refused(prices, instruments, precondition, instrument_field, refused)
    stored = stored_prices(writable, *years_of(writable)) if writable else {}
    plans = planned(writable, stored, terms, refused)
    refused.settle(on_error, any_good=any(each.years or each.skipped for each in plans.values()))
    load_id = None if dry_run else write_loads(plans, instruments, stored, terms)
    return Recorded(load_id, plans, refused)


def locked_instruments(instrument_ids: Collection[UUID]) -> dict[UUID, Instrument]:
    """The instruments that exist, read with all locked that their prices change."""
    rows = Instrument.objects.filter(pk__among=list(instrument_ids)).order_by()
    household_ids = set(rows.values_list("household_id", flat=True)) - {None}
    locked_parents(PriceLoad, Household.objects.all(), household_ids)
    lock_to_write(instrument_ids)
    return {instrument.pk: instrument for instrument in rows}


def without_refused(
    prices: NewPrices,
    instruments: Mapping[UUID, Instrument],
    precondition: Precondition,
    field: str,
    refusals: Refusals,
) -> NewPrices:
    """Refuse the rows of instruments that are not there, or that the precondition refuses. Returns the others."""
    good = {}
    for pk, rows in prices.items():
        error: StrataError | None = None
        if pk not in instruments:
            error = NotFound("instrument", field)
        else:
            try:
                precondition(instruments[pk])
            except StrataError as refusal:
                error = refusal
                error.field = error.field or field
        if error is None:
            good[pk] = rows
        else:
            for price in rows:
                refusals.add(price[1], error)
    return good


def years_of(prices: NewPrices) -> tuple[int, int]:
    first = min(price[0] for rows in prices.values() for price in rows)
    last = max(price[0] for rows in prices.values() for price in rows)
    return date.fromordinal(first).year, date.fromordinal(last).year


def planned(
    prices: NewPrices, stored: Mapping[UUID, StoredPrices], terms: LoadTerms, refusals: Refusals
) -> dict[UUID, Plan]:
    """The plan of each instrument; rows that jump, or name the same day twice, are refused."""
    splits = splits_of(prices)
    plans = {}
    for pk, rows in prices.items():
        of_instrument = plans[pk] = plan(
            rows,
            stored.get(pk, StoredPrices()).every,
            splits.get(pk, ()),
            adjusted_to=terms.adjusted_ordinal,
            accept_jumps=terms.accept_jumps,
        )
        for row, earlier in of_instrument.duplicates:
            refusals.add(row, DuplicateRow(earlier, "on"))
        for row, other_on in of_instrument.jumps:
            message = PRICE_JUMP % {"day": day_text(date.fromordinal(other_on))}
            refusals.add(row, Invalid("price", message, "PRICE_JUMP"))
    return plans


def write_loads(
    plans: Mapping[UUID, Plan],
    instruments: Mapping[UUID, Instrument],
    stored: Mapping[UUID, StoredPrices],
    terms: LoadTerms,
) -> UUID | None:
    """Write a load for each household of the instruments, and one for shared ones. Returns the id of the first."""
    by_household: dict[UUID | None, dict[UUID, list[YearOfPrices]]] = {}
    for pk, of_instrument in plans.items():
        if of_instrument.years:
            by_household.setdefault(instruments[pk].household_id, {})[pk] = of_instrument.years
    loads = [
        (new_load(household_id, terms), by_instrument) for household_id, by_instrument in by_household.items()
    ]
    if loads:
        write_prices(loads, stored)
    return loads[0][0].pk if loads else None


def new_load(household_id: UUID | None, terms: LoadTerms) -> PriceLoad:
    return PriceLoad.objects.create(
        household_id=household_id,
        source=terms.source,
        split_adjusted=terms.adjusted_to is not None,
        adjusted_to=terms.adjusted_to,
    )

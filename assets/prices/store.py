"""Reads and writes the tables of prices: blocks, which are recorded, and packs, which are derived from them.

The packs know only the present. Under `known_at` the blocks of the loads that were known then are merged instead.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Aggregate, Max, Min, Q, QuerySet

from assets.models import Instrument, PackedPrices, PriceBlock, PriceLoad
from assets.prices.codec import Encoded, encode, numbers_in, ordinals_in
from assets.prices.conversion import NOT_ADJUSTED
from assets.prices.hooks import portfolios_of, writing_prices
from assets.prices.merging import (
    FORGOTTEN,
    FORGOTTEN_PACK,
    Pack,
    YearOfPrices,
    joined,
    merged,
    packed,
    unpacked,
    updated,
)
from portfolios.models import Portfolio
from strata.audit import clock
from strata.audit.tracking import DerivedData
from strata.db.bulk import insert_rows, replace_rows
from strata.db.locks import lock_rows
from strata.db.retry import Restart
from strata.tenancy.guards import rows_are_locked

COLUMNS = ("year", "first_day", "days", "scale", "width", "prices")
INSTRUMENTS_AT_A_TIME = 50
NO_PRICES = YearOfPrices(0, (), (), 0, ())


# --- read ---


def packs_of(
    instrument_ids: Collection[UUID], first_year: int, last_year: int, *, and_after: bool = False
) -> Iterator[tuple[UUID, list[Pack]]]:
    """The packs of each instrument in these years, ascending, with the one before, and `and_after` the one after.

    Of an instrument whose packs were deleted: all of them, calculated from the blocks.
    """
    forgotten = []
    for pk, packs in stored_packs_of(instrument_ids, first_year, last_year, and_after=and_after):
        if packs[0].is_forgotten:
            forgotten.append(pk)
        else:
            yield pk, packs
    if forgotten:
        yield from known_packs_of(forgotten, None if and_after else last_year)


def stored_packs_of(
    instrument_ids: Collection[UUID], first_year: int, last_year: int, *, and_after: bool = False
) -> Iterator[tuple[UUID, list[Pack]]]:
    """The same packs as they are stored: one of the year FORGOTTEN where they were deleted."""
    clock.require_present()
    rows = PackedPrices.objects.filter(instrument__pk__among=list(instrument_ids)).order_by()
    # The year before, and the one after, of any of them: most have the same. To look them up for each row is slower.
    wanted = Q(year__range=(first_year, last_year))
    wanted |= Q(year__in=of_each(rows.filter(year__lt=first_year), Max("year")))
    if and_after:
        wanted |= Q(year__in=of_each(rows.filter(year__gt=last_year), Min("year")))
    packs = rows.filter(wanted).order_by("instrument", "year")
    columns = packs.values_list("instrument_id", *COLUMNS, "adjustments")
    by_instrument = groupby(columns.iterator(chunk_size=2000), key=itemgetter(0))
    return (
        (pk, needed([Pack(encoded(row[1:7]), row[7]) for row in each], first_year, last_year, and_after))
        for pk, each in by_instrument
    )


def needed(packs: list[Pack], first_year: int, last_year: int, and_after: bool) -> list[Pack]:
    """Those of these years, with the one before, and `and_after` the one after. Others may have brought more."""
    years = [pack.encoded.year for pack in packs]
    begin = max(bisect_left(years, first_year) - 1, 0)
    return packs[begin : bisect_right(years, last_year) + and_after]


def of_each(rows: QuerySet[PackedPrices], year: Aggregate) -> QuerySet[PackedPrices, Any]:
    """One of the years of each instrument."""
    return rows.values("instrument").annotate(year_of_each=year).values("year_of_each")


def encoded(columns: Iterable[Any]) -> Encoded:
    year, first_day, days, scale, width, prices = columns
    return Encoded(year, first_day, bytes(days), scale, width, bytes(prices))


def known_packs_of(
    instrument_ids: Collection[UUID], last_year: int | None = None
) -> Iterator[tuple[UUID, list[Pack]]]:
    """The packs of each instrument up to a year, calculated from the blocks of the loads that are known and count."""
    for pk, blocks in groupby(blocks_of(instrument_ids, last_year), key=itemgetter(0)):
        by_year = groupby(blocks, key=lambda block: block[1].year)
        yield (
            pk,
            [
                packed(merged(year, [(block, adjusted) for _, block, adjusted in of_year]))
                for year, of_year in by_year
            ],
        )


def blocks_of(
    instrument_ids: Collection[UUID], last_year: int | None = None
) -> Iterator[tuple[UUID, Encoded, int]]:
    """The blocks by instrument, year and age, each with the day that its prices are adjusted to."""
    rows = ordered_blocks(instrument_ids)
    if last_year is not None:
        rows = rows.filter(year__lte=last_year)
    columns = rows.values_list("instrument_id", *COLUMNS, "load__split_adjusted", "load__adjusted_to")
    for row in columns.iterator(chunk_size=2000):
        yield row[0], encoded(row[1:7]), ordinal_of(*row[7:])


def ordered_blocks(instrument_ids: Collection[UUID]) -> QuerySet[PriceBlock]:
    """Without those of withdrawn loads. With the load: under known_at only those that were known are there."""
    rows = PriceBlock.objects.filter(instrument__pk__among=list(instrument_ids), load__withdrawn_at=None)
    return rows.order_by("instrument", "year", "id")


def ordinal_of(is_adjusted: bool, adjusted_to: date | None) -> int:
    return adjusted_to.toordinal() if is_adjusted and adjusted_to else NOT_ADJUSTED


class RecordedPrice(NamedTuple):
    """The price of a day, as quoted: `number` over 10**scale. `on` and `adjusted_to` are ordinals.

    It counts unless it was withdrawn.
    """

    on: int
    number: int
    scale: int
    adjusted_to: int
    load_id: UUID
    withdrawn_at: datetime | None = None


def recorded_prices(
    instrument_id: UUID, start: date | None, end: date | None, *, and_withdrawn: bool = False
) -> list[RecordedPrice]:
    """The prices of an instrument in these days that count, ascending, each with its load. For any `known_at`.

    `and_withdrawn`: also those of withdrawn loads, before the one of the same day that counts, the oldest load first.
    """
    blocks = PriceBlock.objects.filter(instrument=instrument_id).order_by("year", "id")
    rows = blocks if and_withdrawn else blocks.filter(load__withdrawn_at=None)
    if start is not None:
        rows = rows.filter(year__gte=start.year)
    if end is not None:
        rows = rows.filter(year__lte=end.year)
    columns = rows.values_list(
        *COLUMNS, "load__split_adjusted", "load__adjusted_to", "load_id", "load__withdrawn_at"
    )
    newest: dict[int, RecordedPrice] = {}
    withdrawn: list[RecordedPrice] = []
    for row in columns.iterator(chunk_size=2000):
        block, adjusted_to = encoded(row[:6]), ordinal_of(*row[6:8])
        ordinals = ordinals_in(block.year, block.first_day, block.days)
        for on, number in zip(ordinals, numbers_in(block.width, block.prices), strict=True):
            price = RecordedPrice(on, number, block.scale, adjusted_to, *row[8:])
            if price.withdrawn_at is None:
                newest[on] = price
            else:
                withdrawn.append(price)
    first = start.toordinal() if start else 0
    last = end.toordinal() if end else date.max.toordinal()
    in_order = sorted([*withdrawn, *newest.values()], key=attrgetter("on"))  # those of a day stay in order
    return [price for price in in_order if first <= price.on <= last]


# --- write ---


class StoredPrices(NamedTuple):
    """The prices of an instrument that count now: all in one, and the year that each is in."""

    every: YearOfPrices = NO_PRICES
    by_year: Mapping[int, YearOfPrices] = {}


def lock_instruments(instrument_ids: Collection[UUID]) -> None:
    """Lock instruments against writers of their prices, after the portfolios (docs/decisions/0009)."""
    lock_rows(Instrument._base_manager.filter(pk__among=list(instrument_ids)))


def lock_to_write(instrument_ids: Collection[UUID]) -> None:
    """Lock the portfolios with values from these prices, and then the instruments.

    Who makes an asset hold an instrument locks it too, so from then on there are no more such portfolios. Raises
    Restart where there is one that was not seen before.
    """
    if rows_are_locked():
        portfolio_ids = portfolios_of(instrument_ids)
        lock_rows(Portfolio._base_manager.filter(pk__among=list(portfolio_ids)))
        lock_instruments(instrument_ids)
        if portfolios_of(instrument_ids) - portfolio_ids:
            raise Restart("an asset has begun to have its values from one of the instruments")


def stored_prices(
    instrument_ids: Collection[UUID], first_year: int, last_year: int
) -> dict[UUID, StoredPrices]:
    """The prices in these years, and the last ones before and the first ones after them."""
    stored = {}
    for pk, packs in packs_of(instrument_ids, first_year, last_year, and_after=True):
        years = [unpacked(pack) for pack in packs]
        stored[pk] = StoredPrices(joined(years), {prices.year: prices for prices in years})
    return stored


type NewYears = Mapping[UUID, list[YearOfPrices]]  # by instrument


def write_prices(new: Iterable[tuple[PriceLoad, NewYears]], stored: Mapping[UUID, StoredPrices]) -> None:
    """Add the blocks of saved loads, and update the packs. They are locked by `lock_to_write`, and `stored` was read
    since.
    """
    loads = list(new)
    pack_if_forgotten({pk for _, by_instrument in loads for pk in by_instrument})

    def days() -> dict[UUID, list[date]]:
        return {
            pk: [date.fromordinal(on) for prices in years for on in prices.ordinals]
            for _, by_instrument in loads
            for pk, years in by_instrument.items()
        }

    with writing_prices(days):
        for load, by_instrument in loads:
            blocks, packs = [], []
            for pk, years in by_instrument.items():
                by_year = stored.get(pk, StoredPrices()).by_year
                for prices in years:
                    block = encode(prices.year, prices.ordinals, prices.numbers, prices.scale)
                    blocks.append((load.pk.hex, pk.hex, *block))
                    packs.append((pk, packed(updated(by_year.get(prices.year), prices))))
            insert_rows(PriceBlock, ("load", "instrument", *COLUMNS), blocks)
            write_packs(packs)


def write_packs(packs: Iterable[tuple[UUID, Pack]]) -> None:
    """Insert packs, or replace those that are stored; each occurs once."""
    replace_rows(
        PackedPrices,
        ("instrument", *COLUMNS, "adjustments"),
        ((pk.hex, *pack.encoded, pack.adjustments) for pk, pack in packs),
        unique=("instrument", "year"),
    )


class OfLoads(DerivedData):
    """The packs go with the loads of a household, which are deleted only with the household."""

    def forget(self, ids: list[UUID]) -> bool:
        instruments = PriceBlock.objects.filter(load__pk__among=ids).order_by().values("instrument")
        PackedPrices.objects.filter(instrument__in=instruments).delete()
        return True


# --- rebuilt, and compared ---


def instruments_with_prices() -> list[UUID]:
    ids = PriceBlock.objects.order_by("instrument").values_list("instrument_id", flat=True)
    packed_ids = PackedPrices.objects.order_by("instrument").values_list("instrument_id", flat=True)
    return sorted({*ids.distinct(), *packed_ids.distinct()})


def wrong_packs(instrument_ids: Collection[UUID]) -> list[tuple[UUID, int]]:
    """The instruments and years for which the packs differ from what the blocks give. A forgotten one is not wrong."""
    actual = {
        (pk, pack.encoded.year): pack for pk, packs in packs_of(instrument_ids, 0, 9999) for pack in packs
    }
    expected = {
        (pk, pack.encoded.year): pack for pk, packs in known_packs_of(instrument_ids) for pack in packs
    }
    return sorted(key for key in actual.keys() | expected.keys() if actual.get(key) != expected.get(key))


def rebuild_packs(instrument_ids: Collection[UUID]) -> list[tuple[UUID, int]]:
    """Make the packs again where they are wrong or forgotten, and return which were wrong. In a transaction."""
    lock_instruments(instrument_ids)
    wrong = wrong_packs(instrument_ids)
    pack_again({pk for pk, _ in wrong} | forgotten_among(instrument_ids))
    return wrong


def pack_again(instrument_ids: Collection[UUID]) -> None:
    """The instruments are locked."""
    PackedPrices.objects.filter(instrument__pk__among=list(instrument_ids)).delete()
    write_packs((pk, pack) for pk, packs in known_packs_of(instrument_ids) for pack in packs)


# --- forgotten ---


def forget_packs(instrument_ids: Collection[UUID]) -> None:
    """Delete the packs, and store one of the year FORGOTTEN in their place, which readers find. In a transaction."""
    lock_instruments(instrument_ids)
    PackedPrices.objects.filter(instrument__pk__among=list(instrument_ids)).delete()
    write_packs((pk, FORGOTTEN_PACK) for pk in instrument_ids)


def forgotten_among(instrument_ids: Collection[UUID]) -> set[UUID]:
    clock.require_present()
    rows = PackedPrices.objects.filter(instrument__pk__among=list(instrument_ids), year=FORGOTTEN).order_by()
    return set(rows.values_list("instrument_id", flat=True))


def pack_if_forgotten(instrument_ids: Collection[UUID]) -> None:
    """In a transaction. Portfolios are locked before."""
    if instrument_ids and (forgotten := forgotten_among(instrument_ids)):
        lock_instruments(forgotten)
        pack_again(forgotten_among(forgotten))

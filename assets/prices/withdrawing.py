"""What withdrawing loads changes: the days of instruments that get another price or none, and the packs without them.

Only the years that the loads have prices of are read, and only those written in which another price counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from assets.models import PackedPrices, PriceBlock
from assets.prices.merging import Pack, YearOfPrices, merged, packed, unpacked
from assets.prices.store import COLUMNS, encoded, ordered_blocks, ordinal_of, packs_of, write_packs

type YearsOf = Mapping[UUID, set[int]]  # by instrument
type PackKey = tuple[UUID, int]  # an instrument and a year


class ComparablePrice(NamedTuple):
    """The same for equal prices, whatever the scale of their years is."""

    number: int
    scale: int
    adjusted_to: int


class Withdrawal(NamedTuple):
    """`days` get another price or none. `packs` are those to be replaced; None where no price is left of the year."""

    days: Mapping[UUID, list[date]]
    packs: Mapping[PackKey, Pack | None]

    def write_packs(self) -> None:
        for (instrument_id, year), pack in self.packs.items():
            if pack is None:
                PackedPrices.objects.filter(instrument=instrument_id, year=year).delete()
        write_packs((pk, pack) for (pk, _), pack in self.packs.items() if pack is not None)


def years_of_loads(load_ids: Collection[UUID]) -> dict[UUID, set[int]]:
    """The years of each instrument that the loads have prices of."""
    rows = PriceBlock.objects.filter(load__pk__among=list(load_ids)).order_by()
    years: dict[UUID, set[int]] = {}
    for pk, year in rows.values_list("instrument_id", "year").distinct():
        years.setdefault(pk, set()).add(year)
    return years


def count_prices(load_ids: Collection[UUID]) -> int:
    rows = PriceBlock.objects.filter(load__pk__among=list(load_ids)).order_by()
    return sum(
        int.from_bytes(bytes(days), "little").bit_count() for days in rows.values_list("days", flat=True)
    )


def withdrawal_of(load_ids: Collection[UUID], years: YearsOf) -> Withdrawal:
    """Of loads that still count. The instruments are locked, and none of their packs is forgotten."""
    days: dict[UUID, list[date]] = {}
    packs: dict[PackKey, Pack | None] = {}
    if not years:
        return Withdrawal(days, packs)
    first, last = min(map(min, years.values())), max(map(max, years.values()))
    remaining = {(pk, prices.year): prices for pk, prices in years_without(load_ids, years, first, last)}
    for pk, stored in packs_of(list(years), first, last):
        for pack in stored:
            year = pack.encoded.year
            if year in years[pk] and (changed := differing(unpacked(pack), remaining.get((pk, year)))):
                days.setdefault(pk, []).extend(map(date.fromordinal, changed))
                left = remaining.get((pk, year))
                packs[pk, year] = None if left is None else packed(left)
    return Withdrawal(days, packs)


def years_without(
    load_ids: Collection[UUID], years: YearsOf, first: int, last: int
) -> Iterator[tuple[UUID, YearOfPrices]]:
    """The prices of these years that count without the loads; none of a year without prices."""
    rows = ordered_blocks(list(years)).filter(year__range=(first, last)).exclude(load__in=list(load_ids))
    columns = rows.values_list("instrument_id", *COLUMNS, "load__split_adjusted", "load__adjusted_to")
    of_years = (row for row in columns.iterator(chunk_size=2000) if row[1] in years[row[0]])
    for (pk, year), blocks in groupby(of_years, key=itemgetter(0, 1)):
        yield pk, merged(year, [(encoded(row[1:7]), ordinal_of(*row[7:])) for row in blocks])


def differing(before: YearOfPrices, after: YearOfPrices | None) -> list[int]:
    """The days, as ordinals, on which another price counts, or none."""
    old, new = by_day(before), {} if after is None else by_day(after)
    return sorted(on for on in old.keys() | new.keys() if old.get(on) != new.get(on))


def by_day(prices: YearOfPrices) -> dict[int, ComparablePrice]:
    return {
        on: in_lowest_terms(number, prices.scale, adjusted_to)
        for on, number, adjusted_to in zip(prices.ordinals, prices.numbers, prices.adjusted_to, strict=True)
    }


def in_lowest_terms(number: int, scale: int, adjusted_to: int) -> ComparablePrice:
    while scale and number % 10 == 0:
        number, scale = number // 10, scale - 1
    return ComparablePrice(number, scale, adjusted_to)

"""What becomes of new prices of one instrument: which are refused, stored already, or written. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from assets.prices.conversion import Split, ratio_to_newest
from assets.prices.merging import YearOfPrices

JUMP = 100  # times the price before it, or a hundredth of it
POWERS = [10**places for places in range(60)]
type Comparable = int | Fraction  # a price in shares after the last split


class NewPrice(NamedTuple):
    """A price of a day, an ordinal, as it was quoted: `number` over 10**scale. `row` is its number in the load."""

    on: int
    row: int
    number: int
    scale: int


class Jump(NamedTuple):
    """The price of a row is JUMP times off the price of another day, which is about where it should be."""

    row: int
    other_on: int


@dataclass(slots=True)
class Plan:
    """`years` are the prices to write. `duplicates` are rows with the row before them of the same day."""

    years: list[YearOfPrices] = field(default_factory=list)
    created: int = 0
    replaced: int = 0
    skipped: int = 0
    refused: int = 0
    jumps: list[Jump] = field(default_factory=list)
    duplicates: list[tuple[int, int]] = field(default_factory=list)


def plan(
    prices: Sequence[NewPrice | tuple[int, int, int, int]],
    stored: YearOfPrices,
    splits: Sequence[Split],
    *,
    adjusted_to: int,
    accept_jumps: bool,
) -> Plan:
    """The plan for prices of one load. `stored` are those that count now, around and among the new days, ascending.

    A price that jumps is compared with the last accepted one before it, new or stored; where there is none, with the
    first stored one after it. All are compared in shares after the last split.
    """
    result = Plan()
    unique = without_duplicates(sorted(prices), result.duplicates)
    stored = around(stored, unique[0][0], unique[-1][0])
    scale = max(stored.scale, max(scale for *_, scale in unique))
    numbers = [number * POWERS[scale - own] for _, _, number, own in unique]
    days = [on for on, *_ in unique]
    new = comparable(days, numbers, splits, [adjusted_to] * len(days))
    old = comparable(
        stored.ordinals,
        [n * POWERS[scale - stored.scale] for n in stored.numbers],
        splits,
        stored.adjusted_to,
    )
    known = dict(zip(stored.ordinals, old, strict=True))
    if accept_jumps:
        jumping: set[int] = set()
    else:
        jumping = jumping_places(
            days, new, stored.ordinals, known, result.jumps, [row for _, row, *_ in unique]
        )
    result.refused = len(jumping) + len(result.duplicates)
    kept = [place for place, on in enumerate(days) if known.get(on) != new[place] and place not in jumping]
    result.replaced = sum(days[place] in known for place in kept) if known else 0
    result.created = len(kept) - result.replaced
    result.skipped = len(days) - len(kept) - len(jumping)
    scales = [own for *_, own in unique]
    if len(kept) < len(days):
        days, numbers, scales = (
            [days[place] for place in kept],
            [numbers[place] for place in kept],
            [scales[place] for place in kept],
        )
    result.years = list(by_year(days, numbers, scales, scale, adjusted_to))
    return result


def around(stored: YearOfPrices, first: int, last: int) -> YearOfPrices:
    """The stored prices of these days, with the one before them and the one after them."""
    start = max(bisect_left(stored.ordinals, first) - 1, 0)
    end = bisect_right(stored.ordinals, last) + 1
    year, ordinals, numbers, scale, adjusted_to = stored
    return YearOfPrices(year, ordinals[start:end], numbers[start:end], scale, adjusted_to[start:end])


def without_duplicates(
    prices: list[NewPrice | tuple[int, int, int, int]], duplicates: list[tuple[int, int]]
) -> list[NewPrice | tuple[int, int, int, int]]:
    if len({on for on, *_ in prices}) == len(prices):
        return prices
    unique = prices[:1]
    for price in prices[1:]:
        if price[0] == unique[-1][0]:
            duplicates.append((price[1], unique[-1][1]))
        else:
            unique.append(price)
    return unique


def comparable(
    ordinals: Sequence[int], numbers: Sequence[int], splits: Sequence[Split], adjusted_to: Sequence[int]
) -> Sequence[Comparable]:
    if not splits:
        return numbers
    return [
        number * ratio_to_newest(splits, on, adjusted)
        for on, number, adjusted in zip(ordinals, numbers, adjusted_to, strict=True)
    ]


def jumping_places(
    days: Sequence[int],
    new: Sequence[Comparable],
    stored_days: Sequence[int],
    known: dict[int, Comparable],
    jumps: list[Jump],
    rows: Sequence[int],
) -> set[int]:
    """The places of the new prices that jump; each is noted in `jumps`."""
    places: set[int] = set()
    before: Comparable | None = None
    before_on = upcoming = 0
    for place, on in enumerate(days):
        while upcoming < len(stored_days) and stored_days[upcoming] < on:
            if stored_days[upcoming] > before_on:
                before_on = stored_days[upcoming]
                before = known[before_on]
            upcoming += 1
        price, other, other_on = new[place], before, before_on
        if other is None:
            later = bisect_left(stored_days, on + 1)
            if later < len(stored_days):
                other_on = stored_days[later]
                other = known[other_on]
        is_off = other is not None and (price >= JUMP * other or JUMP * price <= other)
        if is_off and known.get(on) != price:
            places.add(place)
            jumps.append(Jump(rows[place], other_on))
        else:
            before, before_on = price, on
    return places


def by_year(
    days: Sequence[int], numbers: Sequence[int], scales: Sequence[int], scale: int, adjusted_to: int
) -> Iterator[YearOfPrices]:
    """The prices of each year, with no more places than one of them has."""
    first = 0
    while first < len(days):
        year = date.fromordinal(days[first]).year
        last = bisect_left(days, date(year + 1, 1, 1).toordinal(), first)
        places = max(scales[first:last])
        part: Sequence[int] = numbers[first:last]
        if places < scale:
            part = [number // POWERS[scale - places] for number in part]
        yield YearOfPrices(year, days[first:last], part, places, [adjusted_to] * (last - first))
        first = last

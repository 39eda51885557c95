"""The securities and indices of the demo, with invented prices that are always the same. Pure, in whole cents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from django.utils.translation import gettext as _

from assets.models.instrument import InstrumentType

WORLD, BONDS, HOUSE_PRICES, CONSUMER_PRICES = "WORLD", "EUBOND", "HPI-DE", "CPI-DE"
CENT = Decimal("0.01")
DAY = timedelta(days=1)
SPLIT_MONTH, SPLIT = 15, 2  # from this month on there are two shares for one
# The change of a price from month to month, in per mille, the oldest first.
WORLD_MONTHS = (
    12,
    -8,
    21,
    15,
    -31,
    9,
    27,
    4,
    -12,
    18,
    33,
    -6,
    11,
    24,
    -19,
    7,
    16,
    -4,
    22,
    13,
    -27,
    31,
    8,
    14,
)
BOND_MONTHS = (2, 3, -4, 1, 5, 2, -6, 3, 4, -1, 2, 3, -2, 4)
# By how many per mille a day is off the straight line between the months.
DAYS_OFF = (0, 4, -3, 7, 2, -6, 1, -2, 5, -8, 3)
# The change of an index from one value to the next, in tenths.
QUARTERS = (11, 14, 9, 16, 8, 12, 13, 10, 15)
INDEX_MONTHS = (2, 4, 3, 1, -1, 2, 3, 2, 1, 0, 2, 4)


@dataclass(frozen=True)
class Quoted:
    """A security or an index. `prices` are in units of the last of their `places`, ascending by day."""

    symbol: str
    name: str
    instrument_type: str
    currency: str
    prices: Mapping[date, int]
    places: int

    def price(self, on: date) -> Decimal:
        """The last one on or before the day."""
        while on not in self.prices:
            on -= DAY
        return Decimal(self.prices[on]).scaleb(-self.places)


def quoted(days: Sequence[date]) -> dict[str, Quoted]:
    """All of them by symbol. `days` are the firsts of the months, and today."""
    world = weekday_prices(days, moved(10420, WORLD_MONTHS, len(days)))
    split_on = days[SPLIT_MONTH]
    world = {on: price // SPLIT if on >= split_on else price for on, price in world.items()}
    bonds = weekday_prices(days, moved(11830, BOND_MONTHS, len(days)))
    firsts = [on for on in days if on.day == 1]
    etf, index = InstrumentType.ETF, InstrumentType.INDEX
    every = (
        Quoted(WORLD, _("World index fund"), etf, "USD", world, places=2),
        Quoted(BONDS, _("Euro bond fund"), etf, "EUR", bonds, places=2),
        Quoted(HOUSE_PRICES, _("House prices"), index, "EUR", summed(quarters(firsts), 1214, QUARTERS), 1),
        Quoted(CONSUMER_PRICES, _("Consumer prices"), index, "EUR", summed(firsts, 1197, INDEX_MONTHS), 1),
    )
    return {each.symbol: each for each in every}


def moved(price: int, per_mille: Sequence[int], count: int) -> list[int]:
    prices = [price]
    for number in range(count - 1):
        step = Decimal(1000 + per_mille[number % len(per_mille)]) / 1000
        prices.append(int((prices[-1] * step).to_integral_value(ROUND_HALF_EVEN)))
    return prices


def weekday_prices(days: Sequence[date], prices: Sequence[int]) -> dict[date, int]:
    """A price for each weekday, near the straight lines between these days; from the weekday before the first on."""
    by_day = {on: prices[0] for on in weekdays(days[0] - 3 * DAY, days[0])}
    for start, end, at_start, at_end in zip(days, days[1:], prices, prices[1:], strict=False):
        span = (end - start).days
        for on in weekdays(start, end):
            passed = (on - start).days
            straight = at_start * (span - passed) + at_end * passed
            by_day[on] = straight * (1000 + DAYS_OFF[on.toordinal() % len(DAYS_OFF)]) // (1000 * span)
    return by_day | ({days[-1]: prices[-1]} if days[-1].weekday() < 5 else {})


def weekdays(start: date, end: date) -> Iterator[date]:
    """Those before `end`."""
    days = (start + number * DAY for number in range((end - start).days))
    return (on for on in days if on.weekday() < 5)


def next_weekday(on: date) -> date:
    return on + DAY * max(7 - on.weekday(), 0) if on.weekday() >= 5 else on


def quarters(firsts: Sequence[date]) -> list[date]:
    """The first days of the quarters of these months."""
    first = firsts[0].replace(month=(firsts[0].month - 1) // 3 * 3 + 1)
    return [first, *(on for on in firsts if on.month % 3 == 1 and on > first)]


def summed(days: Sequence[date], value: int, steps: Sequence[int]) -> dict[date, int]:
    values = {}
    for number, on in enumerate(days):
        values[on] = value
        value += steps[number % len(steps)]
    return values

"""Prices to measure with: instruments with twelve years of weekdays each, from a random walk."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from assets import prices
from assets.models import Instrument
from assets.services.instruments.prices import LoadTerms, record_prices
from portfolios.models import Household

INSTRUMENTS, DAYS = 250, 3130
FIRST, LAST = date(2014, 11, 17), date(2026, 11, 13)
SOURCE = "benchmark"
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "SEK")


def weekdays(count: int) -> list[date]:
    days = (FIRST + timedelta(days=number) for number in range(count * 7 // 5 + 7))
    return [on for on in days if on.weekday() < 5][:count]


def walk(seed: int, count: int) -> list[int]:
    """Prices in units of the last place, of which each is within a hundredth of the one before."""
    chance = random.Random(seed)
    numbers = [10_000 + chance.randrange(90_000)]
    while len(numbers) < count:
        numbers.append(max(1, numbers[-1] + chance.randint(-numbers[-1] // 100, numbers[-1] // 100)))
    return numbers


def places_of(number: int) -> int:
    """A share has 2 places, a fund 4, and every eighth instrument is a coin with 10."""
    return 10 if number % 8 == 0 else 4 if number % 2 else 2


def instruments(household: Household, count: int, name: str) -> list[Instrument]:
    rows = [
        Instrument(
            household=household,
            symbol=f"{name}{number}",
            name=name,
            currency=CURRENCIES[number % len(CURRENCIES)],
        )
        for number in range(count)
    ]
    return Instrument.objects.bulk_create(rows)


def seeded(household: Household) -> list[Instrument]:
    """The 250 instruments with 782,500 prices, made where they are missing."""
    existing = list(Instrument.objects.filter(household=household, name=SOURCE).order_by("id"))
    if existing:
        return existing
    created = instruments(household, INSTRUMENTS, SOURCE)
    days = [on.toordinal() for on in weekdays(DAYS)]
    for number, instrument in enumerate(created):
        places = places_of(number)
        rows = [
            (on, row, price, places)
            for row, (on, price) in enumerate(zip(days, walk(number, DAYS), strict=True))
        ]
        record_prices({instrument.pk: rows}, LoadTerms(SOURCE))
    return created


def read_all(household: Household) -> Callable[[], object]:
    ids = [instrument.pk for instrument in seeded(household)]
    days = weekdays(DAYS)
    return lambda: prices.read(ids, days[0], days[-1])


def batches(household: Household, count: int) -> Iterator[str]:
    """Bodies of POST prices:batch with so many new prices each, of ten new instruments."""
    walked = zip(weekdays(count // 10), walk(0, count // 10), strict=True)
    dated = [f'"on": "{on}", "price": "{price // 100}.{price % 100:02}"' for on, price in walked]
    while True:
        ids = [instrument.pk for instrument in instruments(household, 10, "new")]
        rows = (f'{{"instrument_id": "{pk}", {price}}}' for pk in ids for price in dated)
        yield f'{{"rows": [{",".join(rows)}]}}'

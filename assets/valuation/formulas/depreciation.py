"""Depreciation: how an asset's cost is reduced to its residual value over the years of its life.

A year of life has a part of the whole: 1, or less for the first and the last one where the first is counted by months.
The methods say by how much the value falls in each year; inside of it the fall is spread evenly over the year's days or
months. A recorded value starts again with the years that are left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor
from typing import NamedTuple, overload

from assets.valuation.formulas.arithmetic import MONEY_PLACES, add_months, line

STRAIGHT_LINE, DECLINING, DOUBLE_DECLINING = "straight_line", "declining", "double_declining"
SUM_OF_YEARS = "sum_of_years"
METHODS = (STRAIGHT_LINE, DECLINING, DOUBLE_DECLINING, SUM_OF_YEARS)
DAY, MONTH = "day", "month"


class DepreciationTerms(NamedTuple):
    """`life` is in years. A declining value falls by `rate` a year, or by `factor` / life where there is no rate.

    With `switch` it changes to a straight line as soon as that gives more. `first_year_months` are the months of the
    first year; where they are fewer than 12 there is one more year with the others. The value counts from `held_from`
    on; None is from the beginning.
    """

    cost: Decimal
    residual_value: Decimal
    life: int
    started_on: date
    method: str = STRAIGHT_LINE
    step: str = DAY
    rate: Decimal | None = None
    factor: Decimal | None = None
    switch: bool = False
    first_year_months: int = 12
    held_from: date | None = None


class Year(NamedTuple):
    """A year of life: its part of a whole one, and the days on which the value falls."""

    part: Fraction
    days: Sequence[date]


class Fall(NamedTuple):
    """From `start` down to `end`, evenly over the days; in ten-thousandths."""

    start: Fraction
    end: Fraction
    days: Sequence[date]


def values(
    terms: DepreciationTerms, anchors: Mapping[date, int], start: date = date.min, end: date = date.max
) -> Iterator[tuple[date, int]]:
    """(day, ten-thousandths) for each day of the span on which the value changes or is recorded.

    `anchors` are the recorded values, by day; those before the start of the depreciation change nothing of it.
    """
    first = {terms.started_on: int(terms.cost.scaleb(MONEY_PLACES))}
    begins = {on: value for on, value in (first | dict(anchors)).items() if on >= terms.started_on}
    early = [(on, value) for on, value in sorted(anchors.items()) if on < terms.started_on]
    yield from ((on, value) for on, value in early if start <= on <= end)
    for (on, value), until in _with_next(sorted(begins.items())):
        if start <= on <= end:
            yield on, value
        if on <= end and until > start:
            yield from _between(falls(terms, on, value), max(start, on + timedelta(1)), min(end, until))


def newest(terms: DepreciationTerms, anchors: Mapping[date, int], on: date) -> tuple[date, int] | None:
    """The last of these on or before the day, without the values of all days before it; None if there is none."""
    begin = _last_begin(terms, anchors, on)
    if begin is None or begin[0] < terms.started_on:
        return begin
    newest_point = begin
    for fall in falls(terms, *begin):
        count = bisect_right(fall.days, on)
        if not count:
            break
        newest_point = fall.days[count - 1], line(fall.start, fall.end, len(fall.days))(count)
    return newest_point


def last_day(terms: DepreciationTerms, anchors: Mapping[date, int]) -> date:
    """The last day on which the value changes."""
    begin = _last_begin(terms, anchors, date.max) or (terms.started_on, 0)
    return years_left(terms, max(begin[0], terms.started_on))[-1].days[-1]


def _last_begin(terms: DepreciationTerms, anchors: Mapping[date, int], on: date) -> tuple[date, int] | None:
    """The cost on the first day, or the last recorded value on or before the day."""
    first = {terms.started_on: int(terms.cost.scaleb(MONEY_PLACES))}
    return max(((day, value) for day, value in (first | dict(anchors)).items() if day <= on), default=None)


def _with_next(begins: list[tuple[date, int]]) -> Iterator[tuple[tuple[date, int], date]]:
    """Each beginning with the last day before the next one."""
    for begin, following in pairwise(begins):
        yield begin, following[0] - timedelta(1)
    yield begins[-1], date.max


def _between(all_falls: Iterable[Fall], start: date, end: date) -> Iterator[tuple[date, int]]:
    for fall in all_falls:
        first, last = bisect_right(fall.days, start - timedelta(1)), bisect_right(fall.days, end)
        if first < last:
            value_after = line(fall.start, fall.end, len(fall.days))
            yield from ((fall.days[number], value_after(number + 1)) for number in range(first, last))


def falls(terms: DepreciationTerms, on: date, value: int) -> Iterator[Fall]:
    """What follows a value (in ten-thousandths) of this day, year by year."""
    years = years_left(terms, on)
    left = list(accumulate((year.part for year in reversed(years)), initial=Fraction(0)))[:0:-1]
    book = Fraction(value)
    fall_of = METHOD_FUNCTIONS[terms.method]
    state = _State(terms, book, left[0])
    for year, years_to_come in zip(years, left, strict=True):
        wanted = fall_of(state, book, year.part, years_to_come)
        amount = max(min(wanted, book - state.residual), Fraction(0))
        yield Fall(book, book - amount, year.days)
        book -= amount


# --- the years ---


def years_left(terms: DepreciationTerms, on: date) -> list[Year]:
    """The years of life after the day; of the one that it is in, what is left. At least a day."""
    years = [_rest(year, on) for year in all_years(terms)]
    return [year for year in years if year.days] or [Year(Fraction(1, 365), [on + timedelta(1)])]


def _rest(year: Year, on: date) -> Year:
    days = year.days[bisect_right(year.days, on) :]
    return Year(year.part * len(days) / len(year.days), days)


def all_years(terms: DepreciationTerms) -> list[Year]:
    first = terms.first_year_months
    months = [first, *[12] * (terms.life - 1), 12][: terms.life + 1]
    if first == 12:
        months = [12] * terms.life
    else:
        months[-1] = 12 - first
    ends = accumulate(months, initial=0)
    days_of = _days if terms.step == DAY else _month_starts
    return [
        Year(Fraction(end - begin, 12), days_of(terms.started_on, begin, end))
        for begin, end in pairwise(ends)
    ]


def _days(started_on: date, begin: int, end: int) -> Sequence[date]:
    first, last = add_months(started_on, begin).toordinal(), add_months(started_on, end).toordinal()
    return Days(range(first + 1, last + 1))


class Days(Sequence[date]):
    """Days one after the other, which are made when they are looked at."""

    def __init__(self, ordinals: range) -> None:
        self.ordinals = ordinals

    @overload
    def __getitem__(self, place: int) -> date: ...
    @overload
    def __getitem__(self, place: slice) -> Days: ...
    def __getitem__(self, place: int | slice) -> date | Days:
        if isinstance(place, slice):
            return Days(self.ordinals[place])
        return date.fromordinal(self.ordinals[place])

    def __len__(self) -> int:
        return len(self.ordinals)


def _month_starts(started_on: date, begin: int, end: int) -> Sequence[date]:
    return [add_months(started_on, number) for number in range(begin + 1, end + 1)]


# --- the methods: by how much the value falls in a year ---


class _State:
    """What stays the same from year to year: the value at first, and the years of life from there."""

    def __init__(self, terms: DepreciationTerms, value: Fraction, life: Fraction) -> None:
        self.terms, self.value, self.life = terms, value, life
        self.residual: Fraction = Fraction(terms.residual_value) * 10**MONEY_PLACES

    def rate(self) -> Fraction:
        if self.terms.rate is not None:
            return Fraction(self.terms.rate)
        factor: Fraction = Fraction(2 if self.terms.factor is None else self.terms.factor)
        return factor / self.life


type Method = Callable[[_State, Fraction, Fraction, Fraction], Fraction]


def straight_line(state: _State, book: Fraction, part: Fraction, left: Fraction) -> Fraction:
    return (book - state.residual) * part / left


def declining(state: _State, book: Fraction, part: Fraction, left: Fraction) -> Fraction:
    amount: Fraction = book * state.rate() * part
    return max(amount, straight_line(state, book, part, left)) if state.terms.switch else amount


def sum_of_years(state: _State, book: Fraction, part: Fraction, left: Fraction) -> Fraction:
    return (state.value - state.residual) * (digits(left) - digits(left - part)) / digits(state.life)


def digits(years: Fraction) -> Fraction:
    """The sum of the digits 1, 2, 3, ... of these years; of a year that is not whole, the part of its digit."""
    whole = floor(years)
    return Fraction(whole * (whole + 1), 2) + (years - whole) * (whole + 1)


METHOD_FUNCTIONS: Mapping[str, Method] = {
    STRAIGHT_LINE: straight_line,
    DECLINING: declining,
    DOUBLE_DECLINING: declining,
    SUM_OF_YEARS: sum_of_years,
}

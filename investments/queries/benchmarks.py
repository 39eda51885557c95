"""The prices of an instrument that returns are compared with."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.db.models import Count, Max

from assets import prices
from assets.models import Instrument, PriceBlock
from assets.prices.splits import splits_of
from investments.calculations.benchmark import Benchmark, benchmark, running_benchmark
from investments.calculations.reported import Rates
from investments.calculations.returns import ChainDay


class BenchmarkPrices:
    """An instrument's prices in the reporting currency, each of as many shares as one of the first day became."""

    def __init__(self, instrument: Instrument, start: date, end: date, rates: Rates) -> None:
        self.currency, self.rates = instrument.currency, rates
        splits = splits_of([instrument.pk])
        self.series = prices.read([instrument.pk], start, end, splits=splits).get(instrument.pk)
        self.split_days: list[date] = []
        self.shares = [Fraction(1)]
        for on, numerator, denominator in splits.get(instrument.pk, ()):
            self.split_days.append(date.fromordinal(on))
            self.shares.append(self.shares[-1] * Fraction(numerator, denominator))

    @property
    def days(self) -> Sequence[date]:
        return () if self.series is None else self.series.days

    def price_on(self, on: date) -> Fraction | None:
        last = None if self.series is None else self.series.last(on)
        rate = self.rates.book.rate_or_none(self.currency, self.rates.target, on)
        if last is None or rate is None:
            return None
        return last.price * self.shares[bisect_right(self.split_days, last.on)] * rate

    def compared(self, chain: Sequence[ChainDay], *, start: date, start_value: int) -> Benchmark:
        return benchmark(
            chain, start=start, start_value=start_value, price_on=self.price_on, price_days=self.days
        )

    def running(self, chain: Sequence[ChainDay], *, start: date) -> list[tuple[date, Decimal]]:
        return running_benchmark(chain, start=start, price_on=self.price_on, price_days=self.days)


def state_of_prices(instrument_id: UUID) -> str:
    """Changes with every price that is recorded, and with every load that is withdrawn: nothing is deleted."""
    rows = PriceBlock.objects.filter(instrument=instrument_id)
    return str(rows.aggregate(count=Count("pk"), last=Max("pk"), withdrawn=Max("load__withdrawn_at")))

"""Invented exchange rates for the demo: the last known ones, repeated up to today."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Max

from assets.models import ExchangeRate
from assets.rates.readers import RateQuote, quotes_in, shipped_file
from assets.rates.store import daily_rates
from assets.rates.writer import add_rates

OF_THE_DEMO = ("CHF", "USD")
TWO_YEARS = timedelta(days=800)


def fill_with_demo_rates(
    today: date, source: str = ExchangeRate.Source.ECB, *, recorded_as: str = ExchangeRate.Source.DEMO
) -> int:
    """Repeat the last rates of the source for every weekday up to today, so that the demo always has rates.

    Only demo households are valued at them, unless they are recorded as rates of another source: for measurements.
    """
    daily = daily_rates().filter(source=source)
    last = daily.aggregate(last=Max("on"))["last"]
    if last is None:
        return 0
    newest = daily.filter(on=last).order_by("recorded_at", "id")
    units = dict(newest.values_list("currency", "units_per_euro"))
    days = (last + timedelta(days=number) for number in range(1, (today - last).days + 1))
    quotes = [
        RateQuote(currency, day, rate)
        for day in days
        if day.weekday() < 5
        for currency, rate in units.items()
    ]
    return add_rates(quotes, recorded_as)


def add_rates_for_the_demo(today: date) -> int:
    """What a demo needs that anybody may make: rates of source demo alone, which value nothing else.

    Where the ECB's rates are not loaded, which only superusers do, the shipped ones of the demo's currencies.
    """
    if daily_rates().filter(source=ExchangeRate.Source.ECB).exists():
        return fill_with_demo_rates(today)
    quotes, _source = quotes_in(shipped_file())
    since = today - TWO_YEARS
    recent = [quote for quote in quotes if quote.currency in OF_THE_DEMO and quote.on >= since]
    added = add_rates(recent, ExchangeRate.Source.DEMO)
    return added + fill_with_demo_rates(today, ExchangeRate.Source.DEMO)

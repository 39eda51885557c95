"""Invented exchange rates for the demo."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Max

from assets.models import ExchangeRate
from assets.rates.readers import RateQuote
from assets.rates.store import daily_rates
from assets.rates.writer import add_rates


def fill_with_demo_rates(today: date) -> int:
    """Repeat the ECB's last rates for every weekday up to today, so that the demo always has rates."""
    daily = daily_rates().filter(source=ExchangeRate.Source.ECB)
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
    return add_rates(quotes, ExchangeRate.Source.DEMO)

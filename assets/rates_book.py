"""Loads the recorded rates that a report needs into a RateBook."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast

from assets.calculations.rates import EURO, Rate, RateBook
from assets.models import ExchangeRate


def rate_book(currencies: Iterable[str], *, start: date, end: date) -> RateBook:
    """The rates of the currencies from `start` (and as far before it as a rate may be old) to `end`."""
    wanted = set(currencies) - {EURO}
    oldest = start - timedelta(days=settings.RATE_MAX_AGE_DAYS)
    rows = (
        ExchangeRate.objects.filter(currency__in=wanted, on__gte=oldest, on__lte=end)
        .order_by(
            "currency", "on", "recorded_at", "id"
        )  # as the index has them: years of rates are not sorted
        .annotate(units=Cast("units_per_euro", TextField()))  # as stored, and so canonical already
        .values_list("currency", "on", "units", "source")
        if wanted
        else ()
    )
    found = [
        Rate(currency, on, Decimal(units), source, sequence=number)
        for number, (currency, on, units, source) in enumerate(rows)
    ]
    return RateBook(found, max_age_days=settings.RATE_MAX_AGE_DAYS)

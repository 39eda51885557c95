"""The sentence above Save: the portfolio's net worth on the day without and with the entered values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from django.utils.translation import gettext as _

from assets import valuation
from assets.rates.store import rate_book
from assets.valuation.series import ConvertedTotal, convert_total
from portfolios.models import Portfolio
from reports.update_values.entries import NewValue
from strata.fields.active_formats import amount_text, percentage_text, whole_amount_text
from strata.fields.currencies import minor_units


class Totals(NamedTuple):
    """Exact, in the portfolio's reporting currency."""

    before: ConvertedTotal
    after: ConvertedTotal


def totals_of(portfolio: Portfolio, on: date, values: Iterable[NewValue]) -> Totals:
    """Of the assets that count in net worth, in two queries: the amounts of the day and the rates."""
    before = valuation.amounts_on([portfolio.pk], on).get(portfolio.pk, {})
    after = dict(before)
    for new in values:
        if not new.row.counts:
            continue
        currency = new.row.currency
        after[currency] = after.get(currency, Decimal()) + new.row.part(new.value, on)
        after[currency] -= new.row.part(new.row.last or Decimal(), on)
    return Totals(*(converted(amounts, portfolio, on) for amounts in (before, after)))


def converted(amounts: Mapping[str, Decimal], portfolio: Portfolio, on: date) -> ConvertedTotal:
    currency = portfolio.base_currency
    rates = rate_book({currency, *amounts}, start=on, end=on, portfolios=[portfolio])
    return convert_total(amounts, currency, on=on, rates=rates)


def sentence(totals: Totals, currency: str) -> str:
    """226,960 → 229,114 EUR (+2,154, +0.9 %): whole units; without the percentage where nothing was there before."""
    before, after = (rounded(total.value, currency) for total in totals)
    change = whole_amount_text(after - before, signed=True)
    if before:
        change += f", {percentage_text((after - before) / abs(before))}"
    text = f"{whole_amount_text(before)} → {whole_amount_text(after)} {currency} ({change})"
    if missing := sorted({left_out.currency for left_out in totals.after.missing}):
        text += " " + _("Incomplete: no exchange rate for %(codes)s.") % {"codes": ", ".join(missing)}
    return text


def rounded(value: Fraction, currency: str) -> Decimal:
    """To the currency's minor unit, half to even, as reports round."""
    places = minor_units(currency)
    return Decimal(round(value * 10**places)).scaleb(-places)


def difference_text(new: NewValue) -> str:
    """By how much the value differs from the last one as typed, and the percentage of it."""
    row = new.row
    last, value = row.as_typed(row.last or Decimal()), row.as_typed(new.value)
    text = ("+" if value > last else "") + amount_text(value - last, row.currency)
    return f"{text} ({percentage_text((value - last) / abs(last))})" if last else text

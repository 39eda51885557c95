"""The sentence above Save: the portfolio's net worth on the day without and with the entered values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from django.utils.translation import gettext as _

from assets import valuation
from assets.rates.store import rate_book
from assets.valuation.series import ConvertedTotal, convert_total
from portfolios.models import Portfolio
from reports.rendering.completeness import assets_without_price, listed
from reports.update_values.entries import NewValue
from strata.fields.active_formats import amount_text, percentage_text, whole_amount_text
from strata.fields.currencies import minor_units


class Totals(NamedTuple):
    """Exact, in the portfolio's reporting currency; and the names of the assets that have no price even then."""

    before: ConvertedTotal
    after: ConvertedTotal
    without_price: Sequence[str] = ()


def totals_of(portfolio: Portfolio, on: date, values: Iterable[NewValue]) -> Totals:
    """Of the assets that count in net worth, in two queries, where no price is missing: the amounts and the rates."""
    values = list(values)
    amounts, gaps = valuation.amounts_and_gaps_on([portfolio.pk], on)
    valued = {new.row.id for new in values}
    missing = valuation.price_gaps([gap for gap in gaps if gap.asset_id not in valued], [on])
    before = amounts.get(portfolio.pk, {})
    after = dict(before)
    for new in values:
        if not new.row.counts:
            continue
        currency = new.row.currency
        after[currency] = after.get(currency, Decimal()) + new.row.part(new.value, on)
        after[currency] -= new.row.part(new.row.last or Decimal(), on)
    return Totals(
        converted(before, portfolio, on),
        converted(after, portfolio, on),
        assets_without_price(missing.get(on, ())),
    )


def converted(amounts: Mapping[str, Decimal], portfolio: Portfolio, on: date) -> ConvertedTotal:
    currency = portfolio.base_currency
    rates = rate_book({currency, *amounts}, start=on, end=on, portfolios=[portfolio])
    return convert_total(amounts, currency, on=on, rates=rates)


def sentence(totals: Totals, currency: str) -> str:
    """226,960 → 229,114 EUR (+2,154, +0.9 %): whole units; without the percentage where nothing was there before."""
    before, after = (rounded(total.value, currency) for total in (totals.before, totals.after))
    change = whole_amount_text(after - before, signed=True)
    if before:
        change += f", {percentage_text((after - before) / abs(before))}"
    text = f"{whole_amount_text(before)} → {whole_amount_text(after)} {currency} ({change})"
    if missing := sorted({left_out.currency for left_out in totals.after.missing}):
        text += " " + _("Incomplete: no exchange rate for %(codes)s.") % {"codes": ", ".join(missing)}
    if totals.without_price:
        text += " " + _("Incomplete: no price for %(assets)s.") % {"assets": listed(totals.without_price)}
    return text


def rounded(value: Fraction, currency: str) -> Decimal:
    """To the currency's minor unit, half to even, as reports round."""
    places = minor_units(currency)
    return Decimal(round(value * 10**places)).scaleb(-places)


def difference_text(new: NewValue) -> str:
    """By how much the value differs from the last one as typed, and the percentage of it."""
    row = new.row
    last, value = row.as_typed(row.shown_last), row.as_typed(new.value)
    text = ("+" if value > last else "") + amount_text(value - last, row.currency)
    return f"{text} ({percentage_text((value - last) / abs(last))})" if last else text

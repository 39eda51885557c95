"""The figures of the page in the user's formats: the returns of the whole, the holdings, and the sales of a year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assets.models import Asset
from investments.calculations.gains import Gain
from investments.calculations.performance import Measures
from investments.calculations.reported import RATE_UNIT
from investments.queries.holdings import LotsOfAsset, RealisedGains
from investments.queries.performance import Performance
from reports.performance.presenting import (
    UNKNOWN,
    closed_lot_row,
    gain_of,
    money_text,
    quantity_text,
    rate_text,
)
from reports.rendering.formats import percentage
from strata.admin.sidebar import admin_url
from strata.fields.active_formats import day_text

REASONS = {
    "NO_FLOWS": gettext_lazy("No deposits or withdrawals"),
    "NO_SIGN_CHANGE": gettext_lazy("No return exists"),
    "SEVERAL_ROOTS": gettext_lazy("Several returns fit"),
    "NOTHING_INVESTED": gettext_lazy("Nothing invested"),
    "MISSING_PRICES": gettext_lazy("Prices missing"),
    "MISSING_RATES": gettext_lazy("Exchange rates missing"),
    "TOO_FEW_DAYS": gettext_lazy("Too few days"),
}


def figures(report: Performance) -> list[dict[str, Any]]:
    """Each with its name, its text, and why it is not known, or not the only one."""
    measures, currency = report.measures, report.currency
    rows: list[tuple[str, Any, str]] = [
        (_("Value"), measures and money_text(fine(measures.end_value), currency), "end_value"),
        (_("Return (time-weighted)"), twr_text(measures), "twr"),
        (_("Return (money-weighted)"), yearly(measures.xirr if measures else None), "xirr"),
        (_("Realised gain"), money_text(report.realised_gain, currency, signed=True), "realised_gain"),
        (_("Unrealised gain"), money_text(report.unrealised_gain, currency, signed=True), "unrealised_gain"),
        (_("of which currency"), money_text(report.fx_gain, currency, signed=True), "fx_gain"),
        (_("Income"), money_text(report.income, currency), "income"),
        (_("Fees"), money_text(report.fees, currency), "fees"),
        (_("Taxes"), money_text(report.taxes, currency), "taxes"),
        (
            _("Deposits and withdrawals"),
            measures and money_text(fine(measures.net_flows), currency, signed=True),
            "net_flows",
        ),
        (_("Largest loss"), drawdown_text(measures), "max_drawdown"),
        (
            _("Volatility"),
            measures and measures.volatility is not None and percentage(measures.volatility),
            "volatility",
        ),
    ]
    return [
        {
            "name": name,
            "text": text or UNKNOWN,
            "is_amount": hasattr(text, "digits"),
            "reason": REASONS.get(report.reasons.get(field, ""), ""),
        }
        for name, text, field in rows
    ]


def fine(amount: int | None) -> int | None:
    return None if amount is None else amount * RATE_UNIT


def twr_text(measures: Measures | None) -> str:
    """Of the range and, where it is long enough, for a year."""
    if measures is None or measures.twr is None:
        return ""
    text = rate_text(measures.twr)
    if measures.twr_annualised is None:
        return text
    return _("%(rate)s (%(yearly)s a year)") % {"rate": text, "yearly": rate_text(measures.twr_annualised)}


def yearly(rate: Decimal | None) -> str:
    return "" if rate is None else _("%(rate)s a year") % {"rate": rate_text(rate)}


def drawdown_text(measures: Measures | None) -> str:
    fall = measures and measures.max_drawdown
    if not fall:
        return ""
    if fall.start is None or fall.end is None:
        return percentage(fall.value)
    words = {"rate": percentage(-fall.value), "start": day_text(fall.start), "end": day_text(fall.end)}
    return _("%(rate)s, %(start)s to %(end)s") % words


def benchmark_figures(report: Performance) -> list[dict[str, Any]]:
    if report.compared_with is None or report.benchmark is None:
        return []
    result = report.benchmark
    rows = (
        (_("Return (time-weighted)"), rate_text(result.twr), "twr"),
        (_("Return (money-weighted)"), yearly(result.xirr_of_same_flows) or UNKNOWN, "xirr_of_same_flows"),
    )
    return [
        {"name": name, "text": text, "reason": REASONS.get(result.reasons.get(field, ""), "")}
        for name, text, field in rows
    ]


# --- holdings ---


def held(lots: Sequence[LotsOfAsset]) -> list[LotsOfAsset]:
    """What is still held, the most valuable first. Money on accounts was not bought."""
    return sorted(
        (each for each in lots if each.open and not each.asset.is_balance),
        key=lambda each: (-(each.value or 0), each.asset.name),
    )


def holding_row(
    lots: LotsOfAsset, returns: Mapping[UUID, Measures], whole: int, *, institution: str = ""
) -> dict[str, Any]:
    """`institution` tells holdings of the same name apart."""
    measured = returns.get(lots.asset.id)
    weight = Fraction(lots.value, whole) if lots.value is not None and whole > 0 else None
    realised = lots.realised
    return {
        "name": lots.asset.name,
        "institution": institution,
        "address": admin_url(Asset, "change", lots.asset.id),
        "quantity": quantity_text(lots.lots.quantity),
        "value": money_text(lots.value, lots.currency),
        "cost": money_text(lots.cost, lots.currency),
        "gain": money_text(gain_of(lots.value, lots.cost), lots.currency, signed=True),
        "realised": money_text(
            realised.realised_gain if realised.complete else None, lots.currency, signed=True
        ),
        "weight": UNKNOWN if weight is None else share_text(weight),
        "twr": rate_text(measured.twr if measured else None),
        "xirr": rate_text(measured.xirr if measured else None),
    }


def share_text(share: Fraction) -> str:
    return percentage(Decimal(round(share * 10_000)).scaleb(-4))


def value_of_all(lots: Sequence[LotsOfAsset]) -> int:
    return sum(each.value for each in lots if each.value is not None)


def totals_row(lots: Sequence[LotsOfAsset], currency: str) -> dict[str, Any]:
    """Of all holdings, also those of other pages: what is known of each column, and None where nothing is."""
    gains = [gain_of(each.value, each.cost) for each in lots]
    return {
        "value": money_text(sum_of_known(each.value for each in lots), currency),
        "cost": money_text(sum_of_known(each.cost for each in lots), currency),
        "gain": money_text(sum_of_known(gains), currency, signed=True),
    }


def sum_of_known(amounts: Iterable[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


# --- sales ---


def sale_row(gain: Gain, report: RealisedGains) -> dict[str, Any]:
    return closed_lot_row(gain, report.currency) | {
        "name": report.names[gain.asset_id],
        "fx": money_text(gain.fx_gain, report.currency, signed=True),
    }


def sales_total(report: RealisedGains) -> dict[str, Any]:
    totals, currency = report.totals, report.currency
    return {
        "cost": money_text(totals.cost, currency),
        "proceeds": money_text(totals.proceeds, currency),
        "gain": money_text(totals.realised_gain, currency, signed=True),
        "fx": money_text(totals.fx_gain, currency, signed=True),
    }

"""The texts of the statement, in the user's formats. In the class of debts what is owed is a positive amount."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from assets.models.classification import Group
from assets.valuation import PriceGap
from assets.valuation.series import Missing
from reports.calculations.rounding import rounded
from reports.calculations.statement import Line, Section, Statement
from strata.fields.active_formats import amount_text, day_text, places_of

DEBTS = Group.LIABILITIES


def shown(statement: Statement) -> dict[str, Any]:
    currency = statement.currency
    unpriced = {gap.asset_id for gap in statement.missing_prices}
    totals = (
        (_("Assets"), statement.assets),
        (_("Debts"), statement.liabilities),
        (_("Net worth"), statement.net),
    )
    return {
        "currency": currency,
        "sections": [section_row(section, currency, unpriced) for section in statement.sections],
        "not_counted": [line_row(line, currency, unpriced) for line in statement.not_counted],
        "totals": [(name, amount_text(value, currency)) for name, value in totals],
        "missing": [missing_text(gap) for gap in statement.missing_rates],
        "missing_prices": [missing_price_text(gap) for gap in statement.missing_prices],
        "mixes_sides": statement.mixes_sides,
    }


def section_row(section: Section, currency: str, unpriced: Collection[Hashable]) -> dict[str, Any]:
    return {
        "name": Group(section.group).label,
        "rows": [line_row(line, currency, unpriced) for line in section.lines],
        **amount_row(section.total, section.group, currency),
    }


def line_row(line: Line, currency: str, unpriced: Collection[Hashable]) -> dict[str, Any]:
    holding = line.holding
    value = holding.value
    own = None if value is None else amount_row(value, holding.group, holding.currency)["amount"]
    reported = {} if line.reported is None else amount_row(line.reported, holding.group, currency)
    return {
        "name": holding.name,
        "currency": holding.currency,
        "day": day_text(holding.value_on) if holding.value_on else "",
        "own": own,
        "lacks_rate": line.lacks_rate,
        "lacks_price": holding.id in unpriced,
        **reported,
    }


def amount_row(value: Decimal, group: str, currency: str) -> dict[str, str]:
    """Rounded as the currency is written: a calculated value has more places. A debt in one's favour says so."""
    value = rounded(value, places_of(currency))
    if group != DEBTS:
        return {"amount": amount_text(value, currency), "note": ""}
    return {"amount": amount_text(abs(value), currency), "note": _("in your favour") if value > 0 else ""}


def missing_text(gap: Missing) -> str:
    words = {
        "currency": gap.currency,
        "day": day_text(gap.on),
        "amount": amount_text(gap.amount, gap.amount_in),
        "amount_currency": gap.amount_in,
    }
    return _("%(currency)s on %(day)s: %(amount)s %(amount_currency)s is left out.") % words


def missing_price_text(gap: PriceGap) -> str:
    if gap.last_on is None:
        return _("%(asset)s has no price and is left out.") % {"asset": gap.asset_name}
    words = {"asset": gap.asset_name, "day": day_text(gap.last_on)}
    return _("%(asset)s has no price since %(day)s and is left out.") % words

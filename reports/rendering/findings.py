"""The words for findings: a title for each code, and a text that says what to do, with the values that it names.

An amount inside a text is marked as an amount, so that it can be hidden.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from reports.calculations.quality import Code, Finding
from reports.queries import QualityIssue
from reports.rendering.formats import day_text, number

SEVERITIES = {"warning": _("Problem"), "note": _("Hint")}
TITLES = {
    Code.NO_VALUE: _("No value yet"),
    Code.STALE_VALUE: _("Value is out of date"),
    Code.MISSING_RATE: _("Exchange rate missing"),
    Code.SUSPICIOUS_JUMP: _("Possible typing error"),
    Code.CHANGED_SIGN: _("Sign changed"),
    Code.POSSIBLE_DUPLICATE: _("Possible duplicate"),
    Code.POSITIVE_LIABILITY: _("Debt counted as an asset"),
    Code.VALUE_AFTER_DISPOSAL: _("Value after sale"),
    Code.RATE_JUMP: _("Exchange rate jumps"),
    Code.ACQUIRED_AFTER_FIRST_VALUE: _("Value before purchase"),
    Code.POSSIBLE_DUPLICATE_TRANSACTION: _("Possible duplicate transaction"),
    Code.MISSING_QUANTITY: _("More sold than held"),
    Code.MISSING_COST: _("Cost missing"),
    Code.INCOME_WITHOUT_HOLDING: _("Income without a holding"),
    Code.ACTION_WITHOUT_ASSET: _("New shares without an asset"),
    Code.LOT_NOT_THERE: _("Chosen lot is not there"),
    Code.BAD_ISIN: _("ISIN is wrong"),
    Code.DUPLICATE_ISIN: _("ISIN of two securities"),
    Code.NO_PRICE: _("No price yet"),
    Code.STALE_PRICE: _("Price is out of date"),
    Code.PRICE_JUMP: _("Price jump"),
    Code.LOAN_DRIFT: _("Balance is not that of the schedule"),
}
TEXTS = {
    Code.LOAN_DRIFT: _(
        "On {on} it was {recorded}, and the schedule says {scheduled}. Is the rate or a payment wrong?"
    ),
    Code.NO_VALUE: _("Enter what it is worth."),
    Code.MISSING_RATE: _(
        "No {currency} rate for {on}; totals leave this asset out. Add a rate or ask an administrator."
    ),
    Code.CHANGED_SIGN: _("From {before} to {after}. Overdraft, or a missing minus?"),
    Code.POSSIBLE_DUPLICATE: _('Same name, type and values as "{other}" since {since}.'),
    Code.POSITIVE_LIABILITY: _("Debts are stored below zero; this one raises your net worth."),
    Code.VALUE_AFTER_DISPOSAL: _("Sold on {disposed_on}; this value is not counted."),
    Code.RATE_JUMP: _("From {before} to {after} {currency} for a euro on {on}. Is a digit wrong?"),
    Code.ACQUIRED_AFTER_FIRST_VALUE: _("Bought on {acquired_on}, but it has a value of {on} already."),
    Code.MISSING_QUANTITY: _("On {on} {quantity} more units were sold or moved than were held."),
    Code.MISSING_COST: _("The units of {on} have no cost: enter what they cost as the amount."),
    Code.INCOME_WITHOUT_HOLDING: _("There is income on {on}, when nothing is held."),
    Code.ACTION_WITHOUT_ASSET: _(
        "The new shares of {on} have no asset in this portfolio: make one with their security."
    ),
    Code.LOT_NOT_THERE: _(
        "The sale of {on} names a lot that is not there. That part is sold first in, first out."
    ),
    Code.NO_PRICE: _(
        "{symbol} has no price on or before {on}; totals leave this asset out. Add a price or a source."
    ),
    Code.PRICE_JUMP: _("From {before} to {after} on {on}, with no split between. Is a split missing?"),
}
TEXTS |= {
    Code.BAD_ISIN: _("{isin} of {symbol} is no ISIN: a letter or a digit is wrong."),
    Code.DUPLICATE_ISIN: _(
        "{symbol} and {others} have the ISIN {isin}. If they are the same, let your assets have one of them."
    ),
}
JUMPS = {
    Fraction(10): _("From {before} to {after}, about 10 times as much. Is a digit too many?"),
    Fraction(100): _("From {before} to {after}, about 100 times as much. Are two digits too many?"),
    Fraction(1, 10): _("From {before} to {after}, about a tenth. Is a digit missing?"),
    Fraction(1, 100): _("From {before} to {after}, about a hundredth. Are two digits missing?"),
}
DUPLICATE_TRANSACTIONS = {
    "warning": _("Marking the asset as sold recorded a sale already, and this one looks the same. Keep one."),
    "note": _("Another transaction of this day is the same."),
}


class FindingText(NamedTuple):
    """`fix` is the text of the link to where it can be fixed; "" if the asset's name is link enough."""

    title: str
    text: SafeString
    severity: str
    fix: str


def finding_text(issue: QualityIssue) -> FindingText:
    finding = issue.finding
    params = {name: marked(value) for name, value in finding.params.items()} | {"other": issue.other_name}
    fix = gettext("Make it a debt") if finding.code == Code.POSITIVE_LIABILITY else ""
    text = format_html(str(template_of(finding)), **params)
    return FindingText(str(TITLES[finding.code]), text, str(SEVERITIES[finding.severity]), fix)


def template_of(finding: Finding) -> Any:
    if finding.code == Code.SUSPICIOUS_JUMP:
        return JUMPS[finding.params["factor"]]
    if finding.code == Code.STALE_VALUE:
        return ngettext(
            "Last updated {age} day ago, expected every {expected}.",
            "Last updated {age} days ago, expected every {expected}.",
            finding.params["age"],
        )
    if finding.code == Code.STALE_PRICE:
        return ngettext(
            "Last price of {symbol}: {last_on}, {age} day ago; totals leave this asset out.",
            "Last price of {symbol}: {last_on}, {age} days ago; totals leave this asset out.",
            finding.params["age"],
        )
    if finding.code == Code.POSSIBLE_DUPLICATE_TRANSACTION:
        return DUPLICATE_TRANSACTIONS[finding.severity]
    return TEXTS[finding.code]


def marked(value: Any) -> Any:
    """The value as it is written in a text; an amount is in an element of its own."""
    if isinstance(value, Decimal):
        return format_html('<span class="amount">{}</span>', number(value))
    return day_text(value) if isinstance(value, date) else value

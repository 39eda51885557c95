"""What the page draws: the return over the range as a line, and the income of each month as bars."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from assets.admin.asset.charts import drawn
from assets.rendering.step_chart import Curve, step_chart
from investments.calculations.reported import rounded
from investments.queries.income import Income
from reports.performance.presenting import money_text
from reports.rendering.formats import day_text, month_and_year
from strata.fields.active_formats import places_of

MOST_POINTS = 400
PERCENT = "%"
OWN, BENCHMARK = "var(--net)", "var(--owned)"


type Returns = Sequence[tuple[date, Decimal]]


def return_chart(
    returns: Returns, start: date, end: date, compared: tuple[str, Returns] | None = None
) -> dict[str, Any]:
    """The time-weighted return since the start, in per cent; thinned to what a screen can show. `compared` is a second
    line, with its name.
    """
    context = {"name": _("Performance"), "start": day_text(start), "end": day_text(end)}
    if not returns:
        return context
    step = max(1, len(returns) // MOST_POINTS)
    shown = [(start, Decimal(0)), *returns[:-1:step], returns[-1]]
    points = dict(shown)  # each day once
    days, lines = list(points), [Curve(_("Performance"), OWN, in_percent(points.values()))]
    if compared and (values := values_on(days, compared[1])):
        lines = [Curve(compared[0], BENCHMARK, in_percent(values)), *lines]
    picture = step_chart(days, lines, incomplete=[False] * len(days))
    return context | drawn(picture, PERCENT)


def in_percent(rates: Iterable[Decimal]) -> list[Decimal]:
    return [rate.scaleb(2).quantize(Decimal("0.01")) for rate in rates]


def values_on(days: Sequence[date], returns: Returns) -> list[Decimal]:
    """The last return on or before each of the ascending days, from the first that has one."""
    known = [on for on, _rate in returns]
    places = [bisect_right(known, on) for on in days]
    return [returns[place - 1][1] for place in places if place]


def income_rows(income: Income) -> list[dict[str, Any]]:
    """The months that have any, the newest first, each with the width of its bar in per cent."""
    places = places_of(income.currency)
    amounts = {str(key): rounded(row.income, places) for key, row in income.rows.items()}
    largest = max((abs(amount) for amount in amounts.values()), default=Decimal(0)) or Decimal(1)
    return [
        {
            "name": month_and_year(date.fromisoformat(f"{key}-01")),
            "income": money_text(income.rows[key].income, income.currency),
            "fees": money_text(income.rows[key].fees, income.currency),
            "taxes": money_text(income.rows[key].taxes, income.currency),
            "width": f"{100 * max(amounts[key], Decimal(0)) / largest:.1f}",
        }
        for key in sorted(amounts, reverse=True)
    ]

"""The statement as a document: the page's template without the admin, with reasons of the year and pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from assets.valuation import SeriesReader, SharedSeries
from portfolios.models import Portfolio
from reports.calculations.intervals import months_before
from reports.queries import AllocationReport, ChangeReport, allocations_on, change_report, net_worth_history
from reports.queries.statement import holdings, statement_of
from reports.rendering.drawing import ChartOptions
from reports.rendering.formats import amount
from reports.rendering.plots import allocation_plot, net_worth_plot
from reports.rendering.reasons import REASONS, signed_parts
from reports.statement.presenting import shown
from strata.fields.active_formats import day_text

PICTURE = ChartOptions("svg", width=900, height=380)
WIDTH, HEIGHT = 180, 76  # mm, of a picture on the page
SIZES = re.compile(r'width="[^"]*" height="[^"]*"')
MOST_LINES = 1_000  # as many take some seconds and 130 MiB


class TooManyLines(Exception):
    """The statement would have more than MOST_LINES lines."""


class Asked(NamedTuple):
    """What the document is about, with the names of the households."""

    portfolios: Sequence[Portfolio]
    households: Sequence[str]
    on: date
    currency: str | None = None


def statement_html(asked: Asked) -> str:
    """In the active language and formats. Raises TooManyLines."""
    rows = holdings(asked.portfolios, asked.on)
    if len(rows) > MOST_LINES:
        raise TooManyLines
    named = [portfolio.name for portfolio in asked.portfolios]
    since = months_before(asked.on, 12)
    series = SharedSeries(since, asked.on)  # values are read once, for the allocations and the reasons
    statement = statement_of(rows, asked.portfolios, asked.on, currency=asked.currency, read_series=series)
    change = change_report(
        asked.portfolios, start=since, end=asked.on, currency=asked.currency, read_series=series
    )
    context = {
        "layout": "reports/paper.html",
        "title": _("Statement of net worth"),
        "household": ", ".join(asked.households),
        "named": named,
        "day": day_text(asked.on),
        "statement": shown(statement),
    }
    if rows or any(change.change.total):  # else a second page would be empty
        context |= {"reasons": reasons(change), "pictures": pictures(asked, since, series)}
    return render_to_string("reports/statement.html", context)


def reasons(report: ChangeReport) -> dict[str, Any]:
    change, total = report.change, report.change.total
    rows = [
        (_("Start"), amount(total.start_value, change.currency), True),
        *(
            (REASONS[name], amount(value, change.currency, signed=True), False)
            for name, value in signed_parts(total).items()
        ),
        (_("End"), amount(total.end_value, change.currency), True),
    ]
    return {
        "start": day_text(change.start),
        "end": day_text(change.end),
        "rows": [{"name": name, "amount": text, "is_total": is_total} for name, text, is_total in rows],
        "left_out": [report.labels[key] for key in change.left_out],
    }


def pictures(asked: Asked, since: date, read_series: SeriesReader) -> list[SafeString]:
    """Net worth in the year, and the allocation by class on the day."""
    series = net_worth_history(
        asked.portfolios, start=since, end=asked.on, interval="week", currency=asked.currency, from_start=True
    )
    (allocation,) = allocations_on(
        asked.portfolios, [asked.on], group_by="group", currency=asked.currency, read_series=read_series
    )
    worth = net_worth_plot(series.points, currency=series.currency, title=_("Net worth"), options=PICTURE)
    return [element(worth), element(drawn(allocation))]


def drawn(report: AllocationReport) -> bytes:
    return allocation_plot(report.allocation, labels=report.labels, title=_("Allocation"), options=PICTURE)


def element(svg: bytes) -> SafeString:
    """The element of a picture that was drawn here, as wide as the page: its texts are escaped."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    before, after = SIZES.split(text, maxsplit=1)
    # nosemgrep: text-stays-text - a picture that was drawn here, whose texts are escaped
    return mark_safe(f'{before}width="{WIDTH}mm" height="{HEIGHT}mm"{after}')  # noqa: S308 # nosec B308 B703 - our own

"""The schedule of a loan on its page: the balance as a chart, and what is paid on each day, 25 rows a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.utils.translation import gettext as _

from assets import valuation
from assets.admin.asset.charts import drawn
from assets.admin.asset.what_if import what_if_of
from assets.models import Asset
from assets.models.asset import Valuation
from assets.rendering.step_chart import Curve, step_chart
from assets.valuation.formulas.loan import Row, Schedule
from assets.valuation.series import money
from strata.admin.export import export_of_report
from strata.audit import clock
from strata.fields.active_formats import amount_text, day_text
from strata.fields.dates import local_day

PER_PAGE = 25


def schedule_of_asset(asset: Asset, request: HttpRequest) -> dict[str, Any] | None:
    """The context of the template; None for an asset that is no loan."""
    schedule = valuation.loan_schedule(asset.pk) if asset.valuation == Valuation.LOAN else None
    if schedule is None:
        return None
    today = local_day(clock.now(), asset.portfolio.time_zone)
    page = page_of(schedule.rows, request.GET.get("schedule", ""), today)
    has_extra = any(row.extra for row in schedule.rows)
    return {
        "payoff_on": day_text(schedule.payoff_on) if schedule.payoff_on else "",
        "total_interest": amount_text(money(schedule.total_interest), asset.currency),
        "currency": asset.currency,
        "chart": chart_of(asset, schedule),
        "export": export_of_report("asset-schedule", Row._fields, args=[asset.pk]),
        "what_if": what_if_of(asset, schedule, today, request),
        "page": page,
        "has_extra": has_extra,
        "rows": [row_texts(row, asset.currency, today, with_extra=has_extra) for row in page.object_list],
    }


def page_of(rows: Sequence[Row], number: str, today: date) -> Page[Row]:
    """Without a number the page of the next payment; one that is too large is the last."""
    paginator = Paginator(rows, PER_PAGE)
    if not number:
        past = sum(row.on < today for row in rows)
        number = str(min(past // PER_PAGE + 1, paginator.num_pages))
    return paginator.get_page(number)


def row_texts(row: Row, currency: str, today: date, *, with_extra: bool) -> dict[str, Any]:
    amounts = [row.payment, row.interest, row.principal, *([row.extra] if with_extra else []), row.balance]
    return {
        "day": day_text(row.on),
        "is_past": row.on < today,
        "amounts": [amount_text(money(amount), currency) for amount in amounts],
    }


def chart_of(asset: Asset, schedule: Schedule) -> dict[str, Any]:
    """What is owed from the first day to the last, as a positive amount."""
    days = sorted(schedule.balances)
    values: list[Decimal] = [money(schedule.balances[on]) for on in days]
    picture = step_chart(days, [Curve("", "", values)], incomplete=[False] * len(days))
    return {
        "name": _("Balance of %(name)s over time") % {"name": asset.name},
        "start": day_text(days[0]),
        "end": day_text(days[-1]),
        **drawn(picture, asset.currency),
    }

"""The admin's first page: net worth over time, the allocation, why net worth changed, and what needs care.

Staff see the portfolios of their households. So do superusers, but without any of their own they see everybody's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from assets.models import Asset
from portfolios.models import Portfolio
from portfolios.services.households import demo_households_of
from portfolios.services.members import invitations_for
from reports.calculations.allocation import Slice
from reports.calculations.intervals import a_month_before, months_before
from reports.dashboard.breadcrumbs import DrillDownForm
from reports.queries import (
    AllocationReport,
    ChangeReport,
    NetWorthSeries,
    QualityIssue,
    allocation_on,
    change_report,
    first_value_day,
    latest_today,
    net_worth_history,
    quality_issues,
    with_demo_mark,
    without_demo,
)
from reports.queries.keys import key_text
from reports.rendering.chartjs import OWED, allocation_chart, colour_of, net_worth_chart
from reports.welcome.view import is_welcome, welcome_context
from strata.fields.dates import DayFormField, validate_year

RANGES = {"1m": 1, "3m": 3, "1y": 12, "5y": 60}  # months
NAMES = {"1m": "1 month", "3m": "3 months", "1y": "1 year", "5y": "5 years", "all": "All", "own": "Own dates"}
GROUP_BY = {
    "type": "Type",
    "group": "Kind",
    "category": "Category",
    "tag": "Tag",
    "currency": "Currency",
    "asset": "Asset",
}
# The chart's interval by the number of days: the first limit that is not exceeded decides; beyond the last, years.
INTERVALS = ((100, "day"), (800, "week"), (4_000, "month"), (15_000, "quarter"))
MOST_INVITATIONS = 20
MOST_PORTFOLIOS, MOST_MOVERS, MOST_ISSUES, MOST_GROUPS = 50, 5, 8, 50
REASONS = {
    "net_flows": "Money in and out",
    "income": "Income",
    "expenses": "Expenses",
    "value_change": "Change in value",
    "fx_change": "Exchange rates",
    "added": "Newly listed",
    "removed": "Gone",
}
SUBTRACTED = ("expenses", "removed")


def show(request: Any, context: dict[str, Any]) -> dict[str, Any]:
    """The page's context; unfold calls this as DASHBOARD_CALLBACK."""
    if "welcome" in context or is_welcome(request.user):
        return context | welcome_context(request, context.get("welcome"))
    visible = visible_portfolios(request.user)
    picker = Picker(request.GET, portfolios=visible[:MOST_PORTFOLIOS])
    picker.is_valid()
    page = {
        "picker": picker,
        "cut_off": len(visible) > MOST_PORTFOLIOS,
        "invitations": invitations_for(request.user).select_related("household", "created_by")[
            :MOST_INVITATIONS
        ],
        "demo": demo_note(request.user, picker.shown),
        "may_add": all(may_add(model, request) for model in (Portfolio, Asset)),
    }
    if visible:
        page |= sections(picker, request.user)
    return context | {"title": "Overview", "dashboard": page}


def demo_note(user: Any, shown: Sequence[Any]) -> dict[str, Any]:
    """Whether the user owns a demo household, and whether it is one of those shown."""
    households = {household.pk for household in demo_households_of(user)}
    return {
        "households": households,
        "is_shown": any(portfolio.household_id in households for portfolio in shown),
    }


def may_add(model: Any, request: Any) -> bool:
    return admin.site.get_model_admin(model).has_add_permission(request)


def visible_portfolios(user: Any) -> list[Portfolio]:
    """The portfolios that the page shows; one more than MOST_PORTFOLIOS if there are too many."""
    own = first_of(Portfolio.objects.for_user(user))
    if own or not user.is_superuser:
        return own
    # nosemgrep: rows-through-for-user - a superuser may see everybody's
    return first_of(Portfolio.objects.all())


def first_of(portfolios: QuerySet[Portfolio]) -> list[Portfolio]:
    rows = with_demo_mark(portfolios).select_related("household")
    rows = rows.order_by("household__is_demo", "household__created_at", "name_key", "id")
    return list(rows[: MOST_PORTFOLIOS + 1])


class Picker(forms.Form):
    """The parameters of the page's address. Invalid ones are reported on the page, which then uses the defaults."""

    range = forms.ChoiceField(choices=list(NAMES.items()), required=False)
    portfolio = forms.ChoiceField(required=False)
    group_by = forms.ChoiceField(choices=list(GROUP_BY.items()), required=False)
    start = DayFormField(required=False, validators=[validate_year])
    end = DayFormField(required=False, validators=[validate_year])

    def __init__(self, given: Any, *, portfolios: Sequence[Portfolio]) -> None:
        super().__init__(given)
        self.portfolios = {str(portfolio.pk): portfolio for portfolio in portfolios}
        several = len({portfolio.household_id for portfolio in portfolios}) > 1
        names = [
            (pk, f"{portfolio.household.name}: {portfolio.name}" if several else portfolio.name)
            for pk, portfolio in self.portfolios.items()
        ]
        cast(forms.ChoiceField, self.fields["portfolio"]).choices = [("", "All portfolios"), *names]

    def clean(self) -> None:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and end < start:
            self.add_error("end", "It lies before the start.")

    def chosen(self, name: str) -> Any:
        return getattr(self, "cleaned_data", {}).get(name)

    @property
    def portfolio_shown(self) -> str:
        return self.chosen("portfolio") or ""

    @property
    def shown(self) -> list[Portfolio]:
        chosen_id = self.portfolio_shown
        return [self.portfolios[chosen_id]] if chosen_id else self.covered

    @cached_property
    def covered(self) -> list[Portfolio]:
        """What the page is about where no portfolio is chosen."""
        return without_demo(self.portfolios.values())

    @cached_property
    def drill_down(self) -> DrillDownForm:
        return DrillDownForm(self.data, portfolios=self.shown)

    @property
    def group_by_shown(self) -> str:
        return self.chosen("group_by") or "type"

    @property
    def range_shown(self) -> str:
        chosen: str | None = self.chosen("range")
        if chosen:
            return chosen
        return "own" if self.chosen("start") or self.chosen("end") else "1y"

    @property
    def ranges(self) -> list[tuple[str, str, str]]:
        """(name of a range, its label, the address that shows it)."""
        return [
            (name, NAMES[name], self.address(range=name, **self.drill_down.chosen))
            for name in NAMES
            if name != "own"
        ]

    def address(self, **replaced: str) -> str:
        """The page's address with these parameters replaced. A new range drops the dates."""
        dropped = {"start", "end"} if "range" in replaced else set()
        params = {
            name: self.chosen(name) for name in self.fields if name not in dropped and self.chosen(name)
        }
        return f"?{urlencode(params | replaced)}"

    @cached_property
    def first_value_on(self) -> date | None:
        return first_value_day([portfolio.pk for portfolio in self.shown])

    def from_first_value(self, start: date, end: date) -> date | None:
        """`start`, or the day of the first value if that is later; None if there is no value up to `end`."""
        if self.first_value_on is None or self.first_value_on > end:
            return None
        return max(start, self.first_value_on)

    def period(self) -> tuple[date, date]:
        """(start, end) of the page; without a start it begins with the first value."""
        today = latest_today(self.shown)
        if months := RANGES.get(self.range_shown):
            return months_before(today, months), today
        start, end = (
            (self.chosen("start"), self.chosen("end") or today)
            if self.range_shown == "own"
            else (None, today)
        )
        start = start or self.first_value_on or end
        return min(start, end), end


def interval_for(start: date, end: date) -> str:
    return next((name for most, name in INTERVALS if (end - start).days <= most), "year")


# --- what each part of the page shows ---


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount as text, and its direction: "up", "down", or "" for zero."""

    text: str
    direction: str

    def __str__(self) -> str:
        return self.text


def amount(value: Decimal, currency: str, *, signed: bool = False) -> Amount:
    direction = "up" if value > 0 else "down" if value < 0 else ""
    return Amount(f"{value:+,} {currency}" if signed and value else f"{value:,} {currency}", direction)


def sections(picker: Picker, user: Any) -> dict[str, Any]:
    portfolios = picker.shown
    start, end = picker.period()
    since = picker.from_first_value(start, end)
    drawn_from = since or start
    series = net_worth_history(
        portfolios, start=drawn_from, end=end, interval=interval_for(drawn_from, end), from_start=True
    )
    spread = allocation_on(
        portfolios,
        on=end,
        group_by=picker.group_by_shown,
        currency=series.currency,
        **picker.drill_down.report_params,
    )
    month_since = picker.from_first_value(a_month_before(end), end)
    month = change_report(
        portfolios, start=month_since or end, end=end, currency=series.currency, group_by="asset"
    )
    return {
        "worth": worth_over_time(series) | {"since": since},
        "start": start,
        "end": end,
        "allocation": allocation_now(spread, picker),
        "change": reasons(month) | {"start": month_since},
        "issues": issues(quality_issues(portfolios, on=end, currency=series.currency), portfolios, end, user),
    }


def worth_over_time(series: NetWorthSeries) -> dict[str, Any]:
    first, last = series.points[0], series.points[-1]
    incomplete = [point for point in series.points if not point.complete]
    return {
        "on": last.on,
        "net": amount(last.net, series.currency),
        "assets": amount(last.assets, series.currency),
        "liabilities": amount(last.liabilities, series.currency),
        "gained": amount(last.net - first.net, series.currency, signed=True),
        "incomplete": len(incomplete),
        "missing": sorted({gap.currency for point in incomplete for gap in point.missing_rates}),
        "chart": net_worth_chart(series),
        "points": [
            (
                point,
                *(amount(value, series.currency) for value in (point.assets, point.liabilities, point.net)),
            )
            for point in reversed(series.points)
        ],
    }


def allocation_now(report: AllocationReport, picker: Picker) -> dict[str, Any]:
    allocation = report.allocation

    def row(part: Slice, colour: str) -> dict[str, Any]:
        share = "" if part.share is None else f"{part.share:.1%}"
        value = amount(part.value, allocation.currency)
        link = drill_down_link(report, part, picker)
        return {
            "name": report.labels[part.key],
            "value": value,
            "share": share,
            "colour": colour,
            "link": link,
        }

    owned = [part for part in allocation.asset_groups if part.value]
    shown = len(owned[:MOST_GROUPS]) + len(allocation.liability_groups[:MOST_GROUPS])
    return {
        "breadcrumbs": [(name, picker.address(**asked)) for name, asked in picker.drill_down.breadcrumbs()],
        "more": len(owned) + len(allocation.liability_groups) - shown,
        "on": allocation.on,
        "chart": allocation_chart(report),
        "owned": [row(part, colour_of(place)) for place, part in enumerate(owned[:MOST_GROUPS])],
        "owed": [row(part, OWED) for part in allocation.liability_groups[:MOST_GROUPS]],
        "overlap": allocation.overlap,
        "complete": allocation.complete,
    }


def drill_down_link(report: AllocationReport, part: Slice, picker: Picker) -> str:
    """The address that shows what the group is made of; for an asset, its own page."""
    if report.group_by == "asset":
        return reverse("admin:assets_asset_change", args=[part.key])
    drill_down = {name: key_text(key) for name, key in report.drill_down[part.key].items()}
    return picker.address(**picker.drill_down.chosen | drill_down)


def reasons(report: ChangeReport) -> dict[str, Any]:
    """The parts of the change, with their bars' widths in percent of the largest; and the assets that moved most."""
    change = report.change
    parts = {name: getattr(change.total, name) * (-1 if name in SUBTRACTED else 1) for name in REASONS}
    largest = max(map(abs, parts.values())) or Decimal(1)
    moved = sorted(change.rows.items(), key=lambda row: -abs(row[1].change))[:MOST_MOVERS]
    return {
        "end": change.end,
        "total": amount(change.total.change, change.currency, signed=True),
        "parts": [
            {
                "name": REASONS[name],
                "value": amount(value, change.currency, signed=True),
                "width": round(100 * abs(value) / largest),
            }
            for name, value in parts.items()
            if value
        ],
        "movers": [
            {
                "name": report.labels[key],
                "link": reverse("admin:assets_asset_change", args=[key]),
                "value": amount(row.change, change.currency, signed=True),
            }
            for key, row in moved
            if row.change
        ],
        "left_out": [report.labels[key] for key in change.left_out],
        "complete": change.complete,
    }


def issues(
    all_issues: Sequence[QualityIssue], portfolios: Sequence[Portfolio], on: date, user: Any
) -> dict[str, Any]:
    """The first issues, and the pages that show all issues of each portfolio."""
    shown = [
        {
            "name": issue.name,
            "message": issue.finding.message,
            "severity": issue.finding.severity,
            "link": issue.admin_link_for(user),
        }
        for issue in all_issues[:MOST_ISSUES]
    ]
    counts = Counter(issue.portfolio for issue in all_issues)
    pages = [
        (portfolio.name, quality_page(portfolio, on), counts[portfolio.pk])
        for portfolio in portfolios
        if counts[portfolio.pk]
    ]
    return {"shown": shown, "more": len(all_issues) - len(shown), "pages": pages}


def quality_page(portfolio: Portfolio, on: date) -> str:
    return f"{reverse('admin:portfolios_portfolio_quality', args=[portfolio.pk])}?on={on}"

"""The page /admin/performance/: returns of a range, holdings, income by month, and the sales of a year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from assets.models import Asset
from investments.calculations.returns import running_twr
from investments.queries.asset_returns import returns_of_assets
from investments.queries.holdings import RealisedGains
from investments.queries.ledgers import InvestedAsset
from investments.queries.performance import Performance
from reports.api.investments.tables import (
    GAIN_COLUMNS,
    INCOME_COLUMNS,
    LOT_COLUMNS,
    PERFORMANCE_COLUMNS,
)
from reports.dashboard.page import MOST_PORTFOLIOS, visible_portfolios
from reports.performance import figures
from reports.performance.charts import Returns, income_rows, return_chart
from reports.performance.picker import PerformancePicker
from reports.performance.presenting import money_text
from reports.queries.defaults import common_currency
from reports.queries.investments import income_report, lots_report, performance_report, realised_gains_report
from reports.rendering.completeness import assets_without_price
from strata.admin.export import export_of_report

PER_PAGE = 20


class PerformancePage(View):
    """`portfolio` in the address is one that the user may see, else 404; without it all are covered."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        picker = self.picker()
        if not picker.portfolios:
            return HttpResponseRedirect(reverse("admin:index"))  # which offers to make one
        of_all = returns(picker)
        context = {
            **admin.site.each_context(request),
            "title": _("Performance"),
            "picker": picker,
            "ranges": picker.links("range"),
            **of_all,
            **holdings(picker, of_all["start"], of_all["end"], request.GET.get("page", "")),
            **income(picker),
            **sales(picker, request.GET.get("sold", "")),
        }
        return TemplateResponse(request, "reports/performance.html", context)

    def picker(self) -> PerformancePicker:
        portfolios = visible_portfolios(self.request.user)[:MOST_PORTFOLIOS]
        picker = PerformancePicker(self.request.GET, portfolios=portfolios)
        wanted = self.request.GET.get("portfolio", "")
        if wanted and wanted not in picker.portfolios:
            raise Http404
        picker.is_valid()
        return picker


def range_of(picker: PerformancePicker) -> tuple[date | None, date]:
    """All begins before the first value or transaction."""
    period = picker.period
    return (None if picker.range_shown == "all" else period.start), period.end


def returns(picker: PerformancePicker) -> dict[str, Any]:
    start, end = range_of(picker)
    report = performance_report(
        picker.shown, start=start, end=end, include_all=False, compared_with=picker.compared_with
    )
    return {
        "start": report.start,
        "end": report.end,
        "figures": figures.figures(report),
        "benchmark": figures.benchmark_figures(report),
        "compared_with": picker.compared_with,
        "chart": return_chart(
            running_twr(report.chain_of_returns()), report.start, report.end, compared_line(report)
        ),
        "returns_export": export_of_report(
            "performance",
            PERFORMANCE_COLUMNS,
            portfolio=picker.portfolio_shown,
            start=start,
            end=end,
            benchmark=picker.compared_with and picker.compared_with.pk,
        ),
        "missing_rates": sorted({currency for currency, _on in report.missing_rates}),
        "without_price": assets_without_price(report.missing_prices),
    }


def compared_line(report: Performance) -> tuple[str, Returns] | None:
    index = report.compared_with
    return None if index is None else (index.symbol, report.benchmark_returns())


def holdings(picker: PerformancePicker, start: date, end: date, number: str) -> dict[str, Any]:
    """Of the last day. Returns are computed for the rows of the page alone."""
    currency = common_currency(picker.shown)
    lots = figures.held(lots_report(picker.shown, on=end, currency=currency))
    page = Paginator(lots, PER_PAGE).get_page(number)
    whole = figures.value_of_all(lots)
    ids = [each.asset.id for each in page.object_list]
    returns = returns_of_assets(picker.shown, ids, start=start, end=end, currency=currency) if ids else {}
    institutions = institutions_of_namesakes(picker, [each.asset for each in page.object_list])
    return {
        "currency": currency,
        "holdings": [
            figures.holding_row(each, returns, whole, institution=institutions.get(each.asset.id, ""))
            for each in page.object_list
        ],
        "holdings_export": export_of_report(
            "lots", LOT_COLUMNS, portfolio=picker.portfolio_shown, on=end, currency=currency
        ),
        "holdings_page": page,
        "holdings_total": figures.totals_row(lots, currency),
        "page_links": [picker.link(page=page.number + step) for step in (-1, 1)],
    }


def institutions_of_namesakes(picker: PerformancePicker, assets: Sequence[InvestedAsset]) -> dict[UUID, str]:
    """Where the assets are that have the name of another one: the same share in two accounts. Mostly no query."""
    counts = Counter(asset.name for asset in assets)
    ids = [asset.id for asset in assets if counts[asset.name] > 1]
    if not ids:
        return {}
    # nosemgrep: rows-through-for-user - of portfolios that came through it
    rows = Asset.objects.filter(portfolio__in=picker.shown, pk__in=ids).order_by()
    return dict(rows.values_list("pk", "institution"))


def income(picker: PerformancePicker) -> dict[str, Any]:
    start, end = range_of(picker)
    report = income_report(picker.shown, start=start, end=end)
    return {
        "income": income_rows(report),
        "income_total": money_text(report.total.income, report.currency),
        "income_export": export_of_report(
            "income", INCOME_COLUMNS, portfolio=picker.portfolio_shown, start=start, end=end
        ),
    }


def sales_of_year(picker: PerformancePicker) -> RealisedGains:
    year = picker.year_shown
    start, end = date(year, 1, 1) - timedelta(days=1), date(year, 12, 31)
    return realised_gains_report(picker.shown, start=start, end=end)


def sales(picker: PerformancePicker, number: str) -> dict[str, Any]:
    report, year = sales_of_year(picker), picker.year_shown
    page = Paginator(report.gains, PER_PAGE).get_page(number)
    return {
        "year": year,
        "years": [(each, f"{picker.link(year=each)}#sales") for each in picker.years_beside],
        "sales": [figures.sale_row(gain, report) for gain in page.object_list],
        "sales_page": page,
        "sales_total": figures.sales_total(report),
        "sales_export": export_of_report(
            "realised-gains", GAIN_COLUMNS, portfolio=picker.portfolio_shown, year=year
        ),
        "sales_links": [f"{picker.link(sold=page.number + step)}#sales" for step in (-1, 1)],
    }

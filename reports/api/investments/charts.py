"""The API of pictures of returns and of income: the reports' views with the same parameters."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from investments.calculations.reported import rounded
from investments.calculations.returns import running_twr
from investments.queries.income import Income
from investments.queries.performance import Performance
from reports.api.chart_views import ChartView, PngRenderer, SvgRenderer, chart_view
from reports.api.investments.answers import ordered_keys
from reports.api.investments.views import (
    IncomeView,
    PerformanceView,
    PortfolioIncomeView,
    PortfolioPerformanceView,
)
from reports.api.views import Report
from reports.rendering.investment_plots import income_plot, performance_plot
from strata.api.parameters import Parameter
from strata.fields.currencies import minor_units


def in_pictures(view: type[Report]) -> dict[str, Parameter]:
    """The parameters that change the picture."""
    others = ("explain", "method")
    return {name: parameter for name, parameter in view.parameters.items() if name not in others}


class PerformanceChart(ChartView):
    def answer(self, report: tuple[bool, Performance]) -> bytes:
        _, measured = report
        index = measured.compared_with
        return performance_plot(
            running_twr(measured.chain_of_returns()),
            start=measured.start,
            end=measured.end,
            title=self.title(gettext_noop("Performance")),
            compared=None if index is None else (index.symbol, measured.benchmark_returns()),
            options=self.chart_options,
        )


class IncomeChart(ChartView):
    def answer(self, report: Income) -> bytes:
        places = minor_units(report.currency)
        return income_plot(
            [(report.names[key], rounded(report.rows[key].income, places)) for key in ordered_keys(report)],
            currency=report.currency,
            title=self.title(gettext_noop("Income")),
            complete=not report.missing_rates,
            options=self.chart_options,
        )


@chart_view(SvgRenderer)
class PerformanceSvg(PerformanceChart, PerformanceView):
    """The time-weighted return since `start` as an SVG."""

    parameters = in_pictures(PerformanceView)


@chart_view(PngRenderer)
class PerformancePng(PerformanceChart, PerformanceView):
    """The time-weighted return since `start` as a PNG."""

    parameters = in_pictures(PerformanceView)


@chart_view(SvgRenderer)
class PortfolioPerformanceSvg(PerformanceChart, PortfolioPerformanceView):
    """The portfolio's time-weighted return since `start` as an SVG."""

    parameters = in_pictures(PortfolioPerformanceView)


@chart_view(PngRenderer)
class PortfolioPerformancePng(PerformanceChart, PortfolioPerformanceView):
    """The portfolio's time-weighted return since `start` as a PNG."""

    parameters = in_pictures(PortfolioPerformanceView)


@chart_view(SvgRenderer)
class IncomeSvg(IncomeChart, IncomeView):
    """Income as an SVG, with a bar for each group."""


@chart_view(PngRenderer)
class IncomePng(IncomeChart, IncomeView):
    """Income as a PNG, with a bar for each group."""


@chart_view(SvgRenderer)
class PortfolioIncomeSvg(IncomeChart, PortfolioIncomeView):
    """The portfolio's income as an SVG, with a bar for each group."""


@chart_view(PngRenderer)
class PortfolioIncomePng(IncomeChart, PortfolioIncomeView):
    """The portfolio's income as a PNG, with a bar for each group."""

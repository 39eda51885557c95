"""The API of the chart of an asset: its values over time, as a picture."""

from __future__ import annotations

from datetime import date
from typing import Any

from portfolios.api.schema import in_path
from reports.api.asset.asset_series import AssetReport
from reports.api.chart_views import ChartView, PngRenderer, SvgRenderer, chart_view
from reports.api.views import day, refuse_reversed
from reports.queries.asset_values import AssetValues, asset_values
from reports.rendering.asset_plots import asset_value_plot
from strata.api.parameters import KNOWN_AT


class AssetValueReport(AssetReport):
    parameters = {
        "start": day("From this day on; from the first value, where it is absent."),
        "end": day("Up to this day; today, where it is absent."),
        "known_at": KNOWN_AT,
    }

    def report(self, **asked: Any) -> AssetValues:
        start: date | None = asked.get("start")
        end: date = asked.get("end") or self.today
        refuse_reversed(start, end)
        return asset_values(self.asset(), start=start, end=end)


class AssetValueChart(ChartView):
    def answer(self, values: AssetValues) -> bytes:
        return asset_value_plot(
            values.steps,
            start=values.start,
            end=values.end,
            currency=values.currency,
            title=values.name,
            options=self.chart_options,
        )


@in_path("id")
@chart_view(SvgRenderer)
class AssetValueSvg(AssetValueChart, AssetValueReport):
    """An asset's values over time as an SVG, in its own currency: a line with a step at each value.

    A debt is below zero, as its values are. An asset without a value in that time is an empty picture that says so.
    """


@in_path("id")
@chart_view(PngRenderer)
class AssetValuePng(AssetValueChart, AssetValueReport):
    """An asset's values over time as a PNG; see chart.svg."""

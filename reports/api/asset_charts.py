"""The API of the chart of an asset: its values over time, as a picture."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.functional import cached_property

from assets.models import Asset
from portfolios.api.schema import in_path
from portfolios.models import Portfolio
from reports.api.chart_views import ChartView, PngRenderer, SvgRenderer, chart_view
from reports.api.views import Report, day, refuse_reversed
from reports.queries.asset_values import AssetValues, asset_values
from reports.queries.defaults import today_of
from reports.queries.etag import with_etag_counts
from reports.rendering.plots import asset_value_plot
from strata.api.parameters import KNOWN_AT
from strata.api.views import path_id
from strata.exceptions import NotFound


class AssetValueReport(Report):
    """The picture is of one asset, and so of its portfolio's state: every write in that makes a new ETag."""

    parameters = {
        "start": day("From this day on; from the first value, where it is absent."),
        "end": day("Up to this day; today, where it is absent."),
        "known_at": KNOWN_AT,
    }

    @cached_property
    def portfolios(self) -> list[Portfolio]:
        """The portfolio of the asset in the path; 404 if the caller may not see the asset."""
        visible = Portfolio.objects.for_user(self.request.user)
        portfolios = list(with_etag_counts(visible.filter(assets=self.asset_id)))
        if not portfolios:
            raise NotFound("asset")
        return portfolios

    @property
    def asset_id(self) -> Any:
        return path_id(self.kwargs["pk"], "asset")

    def report(self, **asked: Any) -> AssetValues:
        (portfolio,) = self.portfolios
        start: date | None = asked.get("start")
        end: date = asked.get("end") or today_of(portfolio)
        refuse_reversed(start, end)
        asset = (
            Asset.objects.for_user(self.request.user).filter(portfolio=portfolio, pk=self.asset_id).first()
        )
        if asset is None:  # moved or deleted since
            raise NotFound("asset")
        return asset_values(asset, start=start, end=end)


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

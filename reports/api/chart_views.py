"""The API of charts: the reports' views with the same parameters, answered as a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.csp import CSP
from django.utils.functional import cached_property
from django.utils.translation import gettext, gettext_noop
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from reports.api.views import (
    AllocationView,
    NetWorthView,
    PortfolioAllocationView,
    PortfolioNetWorthView,
    Report,
)
from reports.queries import AllocationReport, NetWorthSeries
from reports.rendering.drawing import HEIGHTS, THEMES, WIDTHS, ChartOptions
from reports.rendering.plots import allocation_plot, net_worth_plot
from strata.accounts.preferences import Preferences, as_preferred, preferences_of
from strata.api.http.table_responses import FORMAT
from strata.api.parameters import choice, whole_number

# An SVG opened directly is a document: it may use its own styles, and nothing else.
PICTURE_CSP = {"default-src": [CSP.NONE], "style-src": [CSP.UNSAFE_INLINE], "frame-ancestors": [CSP.NONE]}


class SvgRenderer(BaseRenderer):
    media_type, format = "image/svg+xml", "svg"
    charset: str | None = "utf-8"

    def render(
        self,
        data: bytes | None,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return data or b""


class PngRenderer(SvgRenderer):
    media_type, format, charset = "image/png", "png", None
    render_style = "binary"


class ThePathSays(BaseContentNegotiation):
    """A path that ends in .svg returns SVG, whatever the client accepts."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


CHART_PARAMETERS = {
    "face": choice(THEMES, "The colours: light, where it is absent, or dark."),
    "width": whole_number(WIDTHS[-1], "In pixels; 960, where it is absent.", least=WIDTHS[0]),
    "height": whole_number(HEIGHTS[-1], "In pixels; 480, where it is absent.", least=HEIGHTS[0]),
}


# The field of ChartOptions that each parameter sets.
CHART_OPTIONS = {"face": "theme", "width": "width", "height": "height"}


if TYPE_CHECKING:
    _Report = Report
else:
    _Report = object  # it goes before a report's view among the bases


class ChartView(_Report):
    """A mixin before a report's view: reads the chart's options from the parameters, and draws the report.

    The picture is in the language and the formats of the user.
    """

    content_negotiation_class: type[BaseContentNegotiation] = ThePathSays

    def report(self, **asked: Any) -> Any:
        options = {
            name: asked.pop(parameter) for parameter, name in CHART_OPTIONS.items() if parameter in asked
        }
        image_format = cast("Literal['svg', 'png']", self.request.accepted_renderer.format)
        self.chart_options = ChartOptions(image_format, **options)
        with as_preferred(self.preferences):  # the names of the groups
            return super().report(**asked)

    @cached_property
    def preferences(self) -> Preferences:
        return preferences_of(self.request.user, self.request.headers.get("Accept-Language", ""))

    def etag_parts(self) -> tuple[str, ...]:
        return (*super().etag_parts(), *self.preferences)

    def shown(self, report: Any, table: dict[str, Any]) -> HttpResponseBase:
        with as_preferred(self.preferences):
            return super().shown(report, table)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(response, ["Accept-Language"])
        response._csp_config = PICTURE_CSP  # type: ignore[attr-defined]  # not in the stubs
        return response

    def title(self, what: str) -> str:
        """With the portfolio's name if there is only one portfolio."""
        what = gettext(what)
        return f"{what}: {self.portfolios[0].name}" if len(self.portfolios) == 1 else what


class NetWorthChartView(ChartView):
    def answer(self, series: NetWorthSeries) -> bytes:
        labels = series.labels if series.group_by else None
        return net_worth_plot(
            series.points,
            currency=series.currency,
            title=self.title(gettext_noop("Net worth")),
            labels=labels,
            overlap=series.overlap,
            real=series.real,
            options=self.chart_options,
        )


class AllocationChartView(ChartView):
    def answer(self, report: AllocationReport) -> bytes:
        title = self.title(gettext_noop("Allocation"))
        return allocation_plot(
            report.allocation, labels=report.labels, title=title, options=self.chart_options
        )


def chart_view[View: type[Report]](renderer: type[BaseRenderer]) -> Callable[[View], View]:
    """Sets the view's only format, and documents its answer in the schema."""

    def documented(view: View) -> View:
        view.renderer_classes = (renderer,)
        asked = {name: parameter for name, parameter in view.parameters.items() if name not in FORMAT}
        view.parameters = {**asked, **CHART_PARAMETERS}
        answers = {(200, renderer.media_type): OpenApiTypes.BINARY}
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", view.__name__).lower()  # the path's has a dot
        return extend_schema_view(get=extend_schema(name, responses=answers))(view)

    return documented


@chart_view(SvgRenderer)
class NetWorthSvg(NetWorthChartView, NetWorthView):
    """Net worth over time as an SVG: a line, over what is owned and, below zero, what is owed; or over groups."""


@chart_view(PngRenderer)
class NetWorthPng(NetWorthChartView, NetWorthView):
    """Net worth over time as a PNG; see chart.svg."""


@chart_view(SvgRenderer)
class AllocationSvg(AllocationChartView, AllocationView):
    """The allocation on a day as an SVG: a bar for each group, what is owed below zero, a tick for each target."""


@chart_view(PngRenderer)
class AllocationPng(AllocationChartView, AllocationView):
    """The allocation on a day as a PNG; see chart.svg."""


@chart_view(SvgRenderer)
class PortfolioNetWorthSvg(NetWorthChartView, PortfolioNetWorthView):
    """The portfolio's worth over time as an SVG."""


@chart_view(PngRenderer)
class PortfolioNetWorthPng(NetWorthChartView, PortfolioNetWorthView):
    """The portfolio's worth over time as a PNG."""


@chart_view(SvgRenderer)
class PortfolioAllocationSvg(AllocationChartView, PortfolioAllocationView):
    """The portfolio's allocation on a day as an SVG."""


@chart_view(PngRenderer)
class PortfolioAllocationPng(AllocationChartView, PortfolioAllocationView):
    """The portfolio's allocation on a day as a PNG."""

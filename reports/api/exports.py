"""The API of a portfolio's export: a file of the whole portfolio, in the format of another program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.renderers import BaseRenderer

from portfolios.models import Portfolio
from reports.api.views import Report
from reports.exports.values import values_table
from strata.api.http.table_responses import FORMAT, TABLE_FORMATS, TABLES, table_response
from strata.api.http.xlsx_renderer import XlsxRenderer
from strata.api.parameters import Parameter, choice

VALUES = OpenApiResponse(OpenApiTypes.STR, "As CSV or XLSX: `date,asset,value,currency,type`.")


@extend_schema_view(
    get=extend_schema(
        responses={
            (200, "text/csv"): VALUES,
            (200, XlsxRenderer.media_type): OpenApiTypes.BINARY,
        }
    )
)
class PortfolioExportView(Report):
    """The portfolio as a file that Strata, or another program, imports."""

    renderer_classes: Sequence[type[BaseRenderer]] = TABLES
    parameters: dict[str, Parameter] = {
        **FORMAT,
        "format": choice(
            TABLE_FORMATS,
            "The format of the file; csv, where it is absent. It takes precedence over `Accept`.",
        ),
    }

    def report(self, **asked: Any) -> Portfolio:
        return self.portfolios[0]

    def shown(self, report: Portfolio, table: dict[str, Any]) -> HttpResponseBase:
        return table_response(values_table(report), f"values-{report.name}", **table)

"""The API of a portfolio's export: a file of the whole portfolio, in the format of another program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import exceptions
from rest_framework.renderers import BaseRenderer

from portfolios.models import Portfolio
from reports.api.views import Report
from reports.exports.beancount import journal
from reports.exports.ghostfolio import document
from reports.exports.ledger import MOST_ROWS, TooLarge, exported
from reports.exports.values import values_table
from reports.queries.defaults import latest_today
from strata.api.http.csv_renderer import TableRenderer
from strata.api.http.table_responses import FORMAT, TABLES, disposition, file_name, table_response
from strata.api.http.xlsx_renderer import XlsxRenderer
from strata.api.parameters import Parameter, choice
from strata.audit import clock

VALUES = OpenApiResponse(
    OpenApiTypes.STR, "The table `date,asset,value,currency,type`; with `format=xlsx` as a workbook."
)
JOURNAL = OpenApiResponse(OpenApiTypes.STR, "With `format=beancount`: a journal.")
ACTIVITIES = OpenApiResponse(OpenApiTypes.OBJECT, "With `format=ghostfolio`: accounts, profiles, activities.")


class BeancountRenderer(TableRenderer):
    media_type, format = "text/plain", "beancount"


class GhostfolioRenderer(TableRenderer):
    media_type, format = "application/json", "ghostfolio"


FORMATS = (*TABLES, BeancountRenderer, GhostfolioRenderer)
ENDINGS = {BeancountRenderer.format: "beancount", GhostfolioRenderer.format: "json"}
CONTENT_TYPES = {
    BeancountRenderer.format: "text/plain; charset=utf-8",
    GhostfolioRenderer.format: "application/json",
}


@extend_schema_view(
    get=extend_schema(
        responses={
            (200, "text/csv"): VALUES,
            (200, XlsxRenderer.media_type): OpenApiTypes.BINARY,
            (200, BeancountRenderer.media_type): JOURNAL,
            (200, GhostfolioRenderer.media_type): ACTIVITIES,
        }
    )
)
class PortfolioExportView(Report):
    """The portfolio as a file that Strata, or another program, imports."""

    renderer_classes: Sequence[type[BaseRenderer]] = FORMATS
    parameters: dict[str, Parameter] = {
        **FORMAT,
        "format": choice(
            [renderer.format for renderer in FORMATS],
            "The format of the file; csv, where it is absent. It takes precedence over `Accept`.",
        ),
    }

    def report(self, **asked: Any) -> Portfolio:
        return self.portfolios[0]

    def shown(self, report: Portfolio, table: dict[str, Any]) -> HttpResponseBase:
        if table:
            return table_response(values_table(report), f"values-{report.name}", **table)
        wanted: str = self.request.accepted_renderer.format
        response = HttpResponse(self.written(report, wanted), content_type=CONTENT_TYPES[wanted])
        response["Content-Disposition"] = disposition(f"{file_name(report.name)}.{ENDINGS[wanted]}")
        return response

    def written(self, portfolio: Portfolio, wanted: str) -> str:
        try:
            whole = exported(portfolio, latest_today([portfolio]))
        except TooLarge:
            message = f"It has more than {MOST_ROWS:,} values or transactions: send format=csv."
            raise exceptions.ValidationError({"format": message}, code="too_much") from None
        if wanted == BeancountRenderer.format:
            return "".join(journal(whole))
        return document(whole, clock.now())

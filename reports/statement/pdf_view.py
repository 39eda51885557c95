"""The API of the statement as a PDF, of all portfolios or of one. Its words are English, German or French."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.translation.trans_real import parse_accept_lang_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.models import Household
from reports.api.chart_views import ThePathSays
from reports.api.views import OF_EVERY_REPORT, Report, day, of_one
from reports.queries.defaults import latest_today
from reports.statement.document import MOST_LINES, Asked, TooManyLines, statement_html
from reports.statement.engine import PdfFailed, PdfUnavailable, pdf_of
from strata.accounts.preferences import Preferences, as_preferred
from strata.api.errors import APIError
from strata.api.http.table_responses import disposition, file_name
from strata.api.parameters import choice
from strata.fields.date_formats import DateFormat
from strata.fields.number_formats import NumberFormat

# How each language writes numbers and days, whatever the user chose: the document is for somebody else.
LANGUAGES = {
    "en": Preferences("en", NumberFormat.COMMA_POINT, DateFormat.DAY_MONTH_NAME_YEAR),
    "de": Preferences("de", NumberFormat.POINT_COMMA, DateFormat.DAY_MONTH_YEAR_POINTS),
    "fr": Preferences("fr", NumberFormat.SPACE_COMMA, DateFormat.DAY_MONTH_YEAR_SLASHES),
}
NOT_HERE = OpenApiResponse(
    OpenApiTypes.OBJECT, "`PDF_UNAVAILABLE`: the server has no Pango, which draws the letters."
)


def language_of(accept_language: str) -> str:
    """The first of the languages that a browser asks for and that there is; else English."""
    wanted = (tag.partition("-")[0] for tag, _ in parse_accept_lang_header(accept_language))
    return next((tag for tag in wanted if tag in LANGUAGES), "en")


class PdfRenderer(BaseRenderer):
    media_type = "application/pdf"
    format = "pdf"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:
        return data or b""


@extend_schema_view(
    get=extend_schema(
        "net_worth_statement_pdf",
        responses={(200, PdfRenderer.media_type): OpenApiTypes.BINARY, (501, "application/json"): NOT_HERE},
    )
)
class StatementPdf(Report):
    """What is owned and owed on a day, why it changed in the year before, and pictures, to print."""

    renderer_classes: Sequence[type[BaseRenderer]] = (PdfRenderer,)
    content_negotiation_class: type[BaseContentNegotiation] = ThePathSays
    parameters = {
        "portfolio": OF_EVERY_REPORT["portfolio"],
        "currency": OF_EVERY_REPORT["currency"],
        "on": day("The day; today, where it is absent."),
        "language": choice(
            LANGUAGES, "Of words, numbers and days; what `Accept-Language` asks for, where it is absent."
        ),
    }

    @cached_property
    def language(self) -> str:
        asked = self.read_parameters().get("language")
        return asked[0] if asked else language_of(self.request.headers.get("Accept-Language", ""))

    def etag_parts(self) -> tuple[str, ...]:
        return (*super().etag_parts(), self.language)

    def report(
        self, on: date | None = None, currency: str | None = None, **_asked: Any
    ) -> tuple[date, bytes]:
        on = on or latest_today(self.portfolios)
        with as_preferred(LANGUAGES[self.language]):
            try:
                html = statement_html(Asked(self.portfolios, self.households(), on, currency))
            except TooManyLines:
                message = f"A statement has at most {MOST_LINES:,} lines: name fewer portfolios."
                raise exceptions.ValidationError({"portfolio": message}, code="too_much") from None
        return on, pdf_or_refusal(html)

    def households(self) -> list[str]:
        ids = {portfolio.household_id for portfolio in self.portfolios}
        rows = Household.objects.for_user(self.request.user).filter(pk__in=ids).order_by("created_at", "pk")
        return list(rows.values_list("name", flat=True))

    def shown(self, report: tuple[date, bytes], table: dict[str, Any]) -> HttpResponseBase:
        on, pdf = report
        named = [portfolio.name for portfolio in self.portfolios] if len(self.portfolios) == 1 else []
        name = file_name("-".join(["statement", on.isoformat(), *named]))
        return Response(pdf, headers={"Content-Disposition": disposition(f"{name}.pdf")})

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(response, ["Accept-Language"])
        return response


def pdf_or_refusal(html: str) -> bytes:
    try:
        return pdf_of(html)
    except PdfUnavailable:
        message = "PDFs need Pango, which this server does not have."
        raise APIError("PDF_UNAVAILABLE", message, status=501) from None
    except PdfFailed:
        raise APIError("UNAVAILABLE", "The PDF took too long. Try again.", status=503, wait=30) from None


@extend_schema_view(
    get=extend_schema(
        "portfolio_statement_pdf",
        responses={(200, PdfRenderer.media_type): OpenApiTypes.BINARY, (501, "application/json"): NOT_HERE},
    )
)
class PortfolioStatementPdf(StatementPdf):
    """The same of one portfolio."""

    parameters = of_one(StatementPdf)

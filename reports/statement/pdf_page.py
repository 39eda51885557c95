"""The PDF of the statement's page. Where there is none a page says why: a browser would save the refusal as a file."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views import View

from reports.statement.pdf_view import PortfolioStatementPdf

OK, NOT_MODIFIED, NOT_FOUND = 200, 304, 404


class StatementPdfPage(View):
    """It asks the API, with what the address says."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        answer: HttpResponse = PortfolioStatementPdf.as_view()(request, pk=str(pk))
        if answer.status_code in (OK, NOT_MODIFIED):
            return answer
        if answer.status_code == NOT_FOUND:
            raise Http404
        context = {
            **admin.site.each_context(request),
            "layout": "admin/base_site.html",
            "title": _("Statement of net worth"),
            "why": explained(answer),
            "portfolio_id": pk,
        }
        return TemplateResponse(request, "reports/statement_no_pdf.html", context, status=answer.status_code)


def explained(answer: HttpResponse) -> str:
    refused = getattr(answer, "data", None) or {}
    texts = {
        "PDF_UNAVAILABLE": _("PDFs need Pango, which this server does not have."),
        "UNAVAILABLE": _("The PDF took too long. Try again."),
    }
    return texts.get(str(refused.get("code")), str(refused.get("message", "")))

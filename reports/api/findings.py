"""The API of one finding: read it, dismiss it with a reason, and show it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolios.models import Portfolio
from reports.api import answers
from reports.api.views import PortfolioQualityView
from reports.calculations.quality import KEY_PATTERN, is_key
from reports.models import DismissedFinding
from reports.models.dismissed_finding import REASON_LENGTH
from reports.queries import quality_report
from reports.queries.quality import Dismissal, QualityIssue
from reports.services import dismissed_findings
from strata.api.fields import NoteSerializerField
from strata.api.http.etags import etag_of, require_match
from strata.api.parameters import described
from strata.api.serializers import StrictSerializer
from strata.api.views import BaseAPIView, path_id
from strata.exceptions import NotFound
from strata.tenancy.roles import require_role


class DismissalSerializer(StrictSerializer):
    """Why the finding is not an error. When the facts behind it change, it is shown again as a new finding."""

    reason = NoteSerializerField(max_length=REASON_LENGTH)


KEY = OpenApiParameter(
    "key",
    {"type": "string", "pattern": KEY_PATTERN},
    OpenApiParameter.PATH,
    description="As GET quality gives it.",
)

PARAMETERS = {name: PortfolioQualityView.parameters[name] for name in ("on", "since")}
PERIOD = described(PARAMETERS)


class PortfolioFindingView(BaseAPIView, APIView):
    """A finding of today, or of the period that `on` and `since` define, as in GET quality."""

    has_etag = True
    parameters = PARAMETERS

    @extend_schema(
        operation_id="portfolios_quality_finding", parameters=[KEY], responses=answers.FindingSerializer
    )
    def get(self, request: Request, pk: str, key: str) -> Response:
        return Response(answers.issue_answer(self.issue(key)))

    @extend_schema(
        parameters=[KEY, *PERIOD], request=DismissalSerializer, responses=answers.FindingSerializer
    )
    def put(self, request: Request, pk: str, key: str) -> Response:
        """Dismiss it. `quality` shows it with `dismissed=1`, and doctor and the admin leave it out."""
        require_role(request.user, self.portfolio.household_id)
        body = DismissalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        issue = self.issue(key)
        row = dismissed_findings.dismiss(
            self.portfolio.pk, key, body.validated_data["reason"], precondition=self.precondition(key)
        )
        data = answers.issue_answer(as_dismissed(issue, row))
        return Response(data, headers={"ETag": etag_of(data)})

    @extend_schema(parameters=[KEY, *PERIOD], request=None, responses={204: None})
    def delete(self, request: Request, pk: str, key: str) -> Response:
        """Show it again. A finding that is not dismissed stays as it is."""
        require_role(request.user, self.portfolio.household_id)
        dismissed_findings.show_again(self.portfolio.pk, key, precondition=self.precondition(key))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @cached_property
    def portfolio(self) -> Portfolio:
        """The path's portfolio. The form of the path's key is checked here as well, before it gets into a query."""
        pk = path_id(self.kwargs["pk"], "portfolio")
        portfolio = Portfolio.objects.for_user(self.request.user).filter(pk=pk).first()
        if portfolio is None:
            raise NotFound("portfolio")
        if not is_key(self.kwargs["key"]):
            raise NotFound("finding")
        return portfolio

    def issue(self, key: str) -> QualityIssue:
        asked = {name: values[0] for name, values in self.read_parameters().items()}
        for issue in quality_report(self.portfolio, dismissed=None, **asked):
            if issue.finding.key == key:
                return issue
        raise NotFound("finding")

    def precondition(self, key: str) -> Any:
        """Checks the role, and If-Match against the current finding, while the portfolio is locked."""

        def check(row: DismissedFinding | None) -> None:
            require_role(self.request.user, self.portfolio.household_id)
            require_match(
                self.request, lambda: etag_of(answers.issue_answer(as_dismissed(self.issue(key), row)))
            )

        return check


def as_dismissed(issue: QualityIssue, row: DismissedFinding | None) -> QualityIssue:
    if row is None:
        return replace(issue, dismissal=None)
    by = row.updated_by.get_username() if row.updated_by else ""
    return replace(issue, dismissal=Dismissal(by, row.updated_at, row.reason))

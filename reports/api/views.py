"""The API of reports on all portfolios that the caller may see, several of them, or one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import exceptions, status
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from assets.api.names import PORTFOLIOS
from assets.models import Instrument
from portfolios.models import Portfolio
from reports.api import answers, tables
from reports.api.filters import ASSET_FILTERS, INCLUDE, read_asset_filter
from reports.calculations.intervals import INTERVALS, a_month_before
from reports.queries import (
    GROUP_BY,
    AllocationReport,
    ChangeReport,
    NetWorthSeries,
    QualityIssue,
    ReportTooLarge,
    allocation_on,
    change_report,
    index_for_user,
    latest_today,
    net_worth_history,
    quality_report,
    state_of_index,
    without_demo,
)
from reports.queries.etag import portfolios_of_user, report_etag
from reports.queries.quality import LOOKED_BACK
from strata.api.fields import DaySerializerField, UUIDSerializerField
from strata.api.http.etags import is_fresh, is_held
from strata.api.http.table_responses import FORMAT, TABLES, table_response
from strata.api.http.xlsx_renderer import XlsxRenderer
from strata.api.names import ID_OR_NAME
from strata.api.parameters import (
    FLAG,
    KNOWN_AT,
    UUID_SCHEMA,
    Parameter,
    choice,
    currency_code,
    read_flag,
    read_text,
    whole_number,
)
from strata.api.views import BaseAPIView, path_id
from strata.exceptions import NotFound
from strata.fields.ids import CANONICAL_ID

DAY = {"type": "string", "format": "date"}
DEEPEST = 20


def day(about: str) -> Parameter:
    return Parameter(DaySerializerField().to_internal_value, None, DAY, about, many=False)


def way_of_grouping(about: str) -> Parameter:
    return choice(GROUP_BY, about)


OF_EVERY_REPORT = {
    "include": INCLUDE,
    "portfolio": Parameter(
        read_text,
        None,
        ID_OR_NAME,
        "Only these portfolios, by id or name; may be repeated. All that you may see, where it is absent; "
        "without those of a demo household, as soon as you have an asset in another one.",
    ),
    "currency": currency_code("To report in. The portfolios' base currency, or EUR where they have several."),
    "known_at": KNOWN_AT,
}
LEVEL = whole_number(
    DEEPEST, "Of the tree of categories, counted from the top or from `category`; 1 where it is absent."
)


class Report(BaseAPIView, APIView):
    """GET a report. 304 for a matching ETag takes one query. A table if `Accept` or `?format=` asks for it."""

    has_etag = True
    parameters: dict[str, Parameter] = OF_EVERY_REPORT
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer, *TABLES)

    def get(self, request: Request, pk: str | None = None) -> HttpResponseBase:
        tag = report_etag(self.portfolios, *self.etag_parts())
        if is_held(request, tag):
            return self.unchanged(tag)
        asked = {name: values[0] for name, values in self.read_parameters().items()}
        for name in ("portfolio", "known_at", *FORMAT):
            asked.pop(name, None)
        if asked.pop("include", None):
            asked["include_all"] = True
        table = self.read_table()
        self.refuse_changed_read_only(asked)
        if ASSET_FILTERS.keys() <= self.parameters.keys():
            read_asset_filter(asked, request.user)
        report = self.report(**asked)
        if is_fresh(request, tag):
            return self.unchanged(tag)
        response = self.shown(report, table)
        response["ETag"] = tag
        return response

    def etag_parts(self) -> tuple[str, ...]:
        """What the answer depends on, besides the portfolios."""
        return self.request.get_full_path(), self.request.accepted_renderer.format

    def shown(self, report: Any, table: dict[str, Any]) -> HttpResponseBase:
        if not table:
            return Response(self.answer(report))
        named = [portfolio.name for portfolio in self.portfolios] if len(self.portfolios) == 1 else []
        return table_response(self.table(report), "-".join([*self.file_title(report), *named]), **table)

    def unchanged(self, tag: str) -> Response:
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})

    @cached_property
    def portfolios(self) -> list[Portfolio]:
        """The portfolios of the report, in order of creation; 404 if the caller may not see one that was named."""
        wanted = self.portfolio_ids()
        if not wanted:
            return without_demo(portfolios_of_user(self.request.user))
        portfolios = portfolios_of_user(self.request.user, wanted)
        if len(portfolios) != len(wanted):
            raise NotFound("portfolio", None if "pk" in self.kwargs else "portfolio")
        return portfolios

    def portfolio_ids(self) -> set[UUID]:
        """Those that the request names. Only names are looked up: a 304 for an id takes one query."""
        if "pk" in self.kwargs:
            return {path_id(self.kwargs["pk"], "portfolio")}
        texts = self.read_parameters().get("portfolio", ())
        names = [text for text in texts if not CANONICAL_ID.fullmatch(text)]
        ids = PORTFOLIOS.ids(names, self.request.user, "portfolio") if names else []
        return {*ids, *(UUID(text) for text in texts if text not in names)}

    def refuse_changed_read_only(self, asked: dict[str, Any]) -> None:
        if "level" in asked and asked.get("group_by") != "category":
            raise exceptions.ValidationError({"level": "It is only for group_by=category."})

    def report(self, **asked: Any) -> Any:
        raise NotImplementedError

    answer: Any
    table: Any
    file_title: Callable[[Any], tuple[str, ...]]  # the parts of the file's name, without the portfolio


def refuse_reversed(start: date | None, end: date) -> None:
    if start is not None and start > end:
        raise exceptions.ValidationError({"start": f"It lies after the end, {end}."})


def answering(serializer: Any, as_table: str | None = None) -> Callable[[type[Report]], type[Report]]:
    """Documents the view's answer in the schema; `as_table` describes the rows of its CSV."""
    response = OpenApiResponse(serializer, f"As CSV or XLSX: {as_table}" if as_table else "")
    shapes: dict[Any, Any] = {(200, "application/json"): response}
    if as_table:
        shapes[200, "text/csv"] = OpenApiTypes.STR
        shapes[200, XlsxRenderer.media_type] = OpenApiTypes.BINARY

    def documented(view: type[Report]) -> type[Report]:
        return extend_schema_view(get=extend_schema(responses=shapes))(view)

    return documented


@answering(answers.NetWorthSerializer, tables.NET_WORTH)
class NetWorthView(Report):
    """What the portfolios are worth over time, at the rates of each day.

    At most 40,000 points, and 200,000 figures of groups: more is refused, and says what to change.
    """

    parameters = {
        **OF_EVERY_REPORT,
        "start": day("From this day on; from the first value, where it is absent."),
        "end": day("Up to this day; today, where it is absent."),
        "interval": choice(INTERVALS, "A point at the end of each; month, where it is absent."),
        "group_by": way_of_grouping("What each point's net is split by."),
        "level": LEVEL,
        "real": Parameter(
            UUIDSerializerField().to_internal_value,
            None,
            UUID_SCHEMA,
            "The id of an index, to adjust all amounts for inflation: they are in the money of the last day.",
            many=False,
        ),
        **ASSET_FILTERS,
        **FORMAT,
    }
    answer = staticmethod(answers.net_worth_answer)
    table = staticmethod(tables.net_worth_table)
    file_title = staticmethod(tables.net_worth_title)

    @cached_property
    def index(self) -> Instrument | None:
        asked = self.read_parameters().get("real")
        return index_for_user(self.request.user, asked[0], "real") if asked else None

    def etag_parts(self) -> tuple[str, ...]:
        parts = super().etag_parts()
        return parts if self.index is None else (*parts, state_of_index(self.index))

    def report(self, **asked: Any) -> NetWorthSeries:
        asked.pop("real", None)
        refuse_reversed(asked.get("start"), asked.get("end") or latest_today(self.portfolios))
        try:
            return net_worth_history(self.portfolios, index=self.index, **asked)
        except ReportTooLarge as error:
            raise exceptions.ValidationError({error.field: str(error)}, code="too_much") from None


@answering(answers.AllocationSerializer, tables.ALLOCATION)
class AllocationView(Report):
    """How what is owned is spread on a day, what is owed, and how far that is from the targets."""

    parameters = {
        **OF_EVERY_REPORT,
        "on": day("The day; today, where it is absent."),
        "group_by": way_of_grouping("What it is split by; type, where it is absent."),
        "level": LEVEL,
        **ASSET_FILTERS,
        **FORMAT,
    }
    answer = staticmethod(answers.allocation_answer)
    table = staticmethod(tables.allocation_table)
    file_title = staticmethod(tables.allocation_title)

    def report(self, **asked: Any) -> AllocationReport:
        return allocation_on(self.portfolios, **asked)


@answering(answers.ChangeSerializer, tables.CHANGE)
class ChangeView(Report):
    """Why the net worth changed after `start` up to `end`, in parts that add up to the cent."""

    parameters = {
        **OF_EVERY_REPORT,
        "start": day("After this day; a month before the end, where it is absent."),
        "end": day("Up to the end of this day; today, where it is absent."),
        "group_by": way_of_grouping("What the rows are; asset, where it is absent."),
        "level": LEVEL,
        **ASSET_FILTERS,
        **FORMAT,
    }
    answer = staticmethod(answers.change_answer)
    table = staticmethod(tables.change_table)
    file_title = staticmethod(tables.change_title)

    def report(self, start: date | None = None, end: date | None = None, **asked: Any) -> ChangeReport:
        end = end or latest_today(self.portfolios)
        start = start or a_month_before(end)
        refuse_reversed(start, end)
        return change_report(self.portfolios, start=start, end=end, **asked)


@answering(answers.QualitySerializer, tables.QUALITY)
class PortfolioQualityView(Report):
    """Findings about the assets of a portfolio, each with a link to where it can be fixed."""

    parameters = {
        "on": day("As of this day; today, where it is absent."),
        "since": day("Search jumps and duplicates from this day on; 400 days back, where it is absent."),
        "dismissed": Parameter(
            read_flag,
            None,
            FLAG,
            "True gives those that were dismissed, with who, when and why, in place of the others.",
            many=False,
        ),
        **FORMAT,
    }
    table = staticmethod(tables.quality_table)
    file_title = staticmethod(tables.quality_title)

    def report(self, **asked: Any) -> tuple[date, date, list[QualityIssue]]:
        (portfolio,) = self.portfolios
        on: date = asked.get("on") or latest_today([portfolio])
        since: date = asked.get("since") or on - LOOKED_BACK
        if since > on:
            raise exceptions.ValidationError({"since": f"It lies after {on}."})
        return (
            on,
            since,
            quality_report(portfolio, on=on, since=since, dismissed=asked.get("dismissed", False)),
        )

    def answer(self, report: tuple[date, date, list[QualityIssue]]) -> dict[str, Any]:
        on, since, issues = report
        findings = [answers.issue_answer(issue) for issue in issues]
        return {"on": on.isoformat(), "since": since.isoformat(), "findings": findings}


def of_one(view: type[Report]) -> dict[str, Parameter]:
    """The parameters of the same report for the portfolio in the path."""
    return {name: parameter for name, parameter in view.parameters.items() if name != "portfolio"}


@answering(answers.NetWorthSerializer, tables.NET_WORTH)
class PortfolioNetWorthView(NetWorthView):
    """What the portfolio is worth over time, at the rates of each day; bounded as GET net-worth is."""

    parameters = of_one(NetWorthView)


@answering(answers.AllocationSerializer, tables.ALLOCATION)
class PortfolioAllocationView(AllocationView):
    """How what is owned in the portfolio is spread on a day, what is owed, and how far that is from the targets."""

    parameters = of_one(AllocationView)


@answering(answers.ChangeSerializer, tables.CHANGE)
class PortfolioChangeView(ChangeView):
    """Why the portfolio's worth changed after `start` up to `end`, in parts that add up to the cent."""

    parameters = of_one(ChangeView)

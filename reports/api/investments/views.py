"""The API of lots, realised gains, income and returns, of all portfolios, of one, and of one asset."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer

from assets.api.names import ASSETS
from assets.models import Instrument
from investments.queries.benchmarks import state_of_prices
from investments.queries.holdings import (
    Holding,
    LotsOfAsset,
    RealisedGains,
    holding_of,
    lots_of_assets,
)
from investments.queries.income import GROUPINGS, Income
from investments.queries.performance import Performance, performance
from portfolios.api.schema import in_path
from portfolios.lot_method import LotMethod
from reports.api.asset.asset_series import AssetReport
from reports.api.filters import ASSET_FILTERS
from reports.api.investments import answers, tables
from reports.api.investments import serializers as shapes
from reports.api.tables import Table
from reports.api.views import OF_EVERY_REPORT, Report, answering, day, of_one, refuse_reversed
from reports.queries.defaults import latest_today
from reports.queries.investments import (
    income_report,
    lots_report,
    performance_report,
    realised_gains_report,
)
from strata.api.fields import UUIDSerializerField
from strata.api.http.table_responses import FORMAT
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
from strata.exceptions import NotFound

METHOD = choice(
    [method.value for method in LotMethod],
    "Which lots a sale takes, as if every asset had this method; its own, where it is absent.",
)
ONE_ASSET = Parameter(read_text, None, ID_OR_NAME, "Only this asset, by id or name.", many=False)
BENCHMARK = Parameter(
    UUIDSerializerField().to_internal_value,
    None,
    UUID_SCHEMA,
    "The id of an instrument, to see what the same money would have done in it.",
    many=False,
)
START = day("After this day; from the first value or transaction on, where it is absent.")
END = day("Up to the end of this day; today, where it is absent.")
ON = day("At the end of this day; today, where it is absent.")


MOST_LOTS = 20_000  # in one JSON answer, which is held in memory as a whole: about ten megabytes


MOST_DAYS = 40_000  # of a chain that is explained: a century


def refuse_too_many_lots(count: int, field: str, way_out: str) -> None:
    refuse_too_many(count, MOST_LOTS, "lots", field, way_out)


def refuse_too_many(count: int, most: int, rows: str, field: str, way_out: str) -> None:
    if count > most:
        message = f"That is {count:,} {rows}; there may be {most:,}: {way_out}"
        raise exceptions.ValidationError({field: message}, code="too_much")


def flag(about: str) -> Parameter:
    return Parameter(read_flag, None, FLAG, about, many=False)


class InvestmentReport(Report):
    """Reads what these reports have in common: the method of lots, one asset, and the span of days."""

    def report(self, **asked: Any) -> Any:
        if "method" in asked:
            asked["method"] = LotMethod(asked["method"])
        if "asset" in asked:
            (asked["asset"],) = ASSETS.ids([asked["asset"]], self.request.user, "asset")
        refuse_reversed(asked.get("start"), asked.get("end") or latest_today(self.portfolios))
        return self.investments(**asked)

    def investments(self, **asked: Any) -> Any:
        raise NotImplementedError


# --- lots ---


@answering(shapes.AllLotsSerializer, tables.LOTS)
class LotsView(InvestmentReport):
    """The lots of all assets on a day: what each holds, what it cost, and what was gained."""

    parameters = {
        **OF_EVERY_REPORT,
        "currency": currency_code("To convert to. Each asset's own currency, where it is absent."),
        "on": ON,
        "method": METHOD,
        "detail": flag("True gives every single lot, open and closed."),
        **ASSET_FILTERS,
        **FORMAT,
    }

    def investments(
        self, detail: bool = False, on: date | None = None, **asked: Any
    ) -> tuple[str | None, date, bool, list[LotsOfAsset]]:
        on = on or latest_today(self.portfolios)
        results = lots_report(self.portfolios, on=on, detail=detail, **asked)
        if detail:
            count = sum(len(each.open) + len(each.closed) for each in results)
            refuse_too_many_lots(count, "detail", "leave it out, or choose a portfolio or other filters.")
        return asked.get("method"), on, detail, results

    def answer(self, report: tuple[str | None, date, bool, list[LotsOfAsset]]) -> dict[str, Any]:
        method, on, detail, results = report
        return {
            "method": method,
            "on": on.isoformat(),
            "results": [answers.lots_answer(each, detail=detail, closed=detail) for each in results],
        }

    def table(self, report: tuple[str | None, date, bool, list[LotsOfAsset]]) -> Table:
        _method, _on, detail, results = report
        return tables.lots_table(results, detail=detail, closed=detail)

    def file_title(self, report: tuple[str | None, date, bool, list[LotsOfAsset]]) -> tuple[str, ...]:
        return "lots", report[1].isoformat()


class InvestmentAssetReport(AssetReport, InvestmentReport):
    pass


@in_path("id")
@answering(shapes.LotsSerializer, tables.LOTS)
class AssetLotsView(InvestmentAssetReport):
    """The lots of an asset on a day: those that are open, and with closed=1 those that were sold."""

    parameters = {
        "on": ON,
        "method": METHOD,
        "closed": flag("True also gives the closed lots."),
        "currency": currency_code("To convert to. The asset's own, where it is absent."),
        "known_at": KNOWN_AT,
        **FORMAT,
    }

    def investments(self, closed: bool = False, **asked: Any) -> tuple[bool, LotsOfAsset]:
        asset = self.asset()
        asked.setdefault("on", latest_today(self.portfolios))
        (report,) = lots_of_assets(self.portfolios, only_assets={asset.pk}, include_all=True, **asked)
        refuse_too_many_lots(len(report.open), "on", "take an earlier day, or lots without detail.")
        if closed:
            count = len(report.open) + len(report.closed)
            refuse_too_many_lots(count, "closed", "leave it out, or take realised-gains of a year.")
        return closed, report

    def answer(self, report: tuple[bool, LotsOfAsset]) -> dict[str, Any]:
        closed, of_asset = report
        return answers.lots_answer(of_asset, closed=closed)

    def table(self, report: tuple[bool, LotsOfAsset]) -> Table:
        closed, of_asset = report
        return tables.lots_table([of_asset], detail=True, closed=closed)

    def file_title(self, report: tuple[bool, LotsOfAsset]) -> tuple[str, ...]:
        return "lots", report[1].asset.name, report[1].on.isoformat()


@in_path("id")
@answering(shapes.HoldingSerializer)
class AssetHoldingView(InvestmentAssetReport):
    """What an asset holds on a day, what it is worth and what it cost."""

    renderer_classes = (JSONRenderer,)
    parameters = {"on": ON, "known_at": KNOWN_AT}
    answer = staticmethod(answers.holding_answer)

    def investments(self, on: date | None = None, **asked: Any) -> Holding:
        (portfolio,) = self.portfolios
        return holding_of(portfolio, self.asset().pk, on or latest_today([portfolio]))


@answering(shapes.RealisedGainsSerializer, tables.REALISED_GAINS)
class RealisedGainsView(InvestmentReport):
    """Every lot that was closed in a year, or after `start` up to `end`, for the tax return."""

    parameters = {
        **OF_EVERY_REPORT,
        "year": whole_number(9998, "The lots that were closed in this year; not with start or end."),
        "start": START,
        "end": END,
        "method": METHOD,
        "asset": ONE_ASSET,
        **ASSET_FILTERS,
        **FORMAT,
    }
    answer = staticmethod(answers.realised_gains_answer)
    table = staticmethod(tables.realised_gains_table)
    file_title = staticmethod(tables.realised_gains_title)

    def investments(self, year: int | None = None, **asked: Any) -> RealisedGains:
        if year is not None:
            if "start" in asked or "end" in asked:
                raise exceptions.ValidationError({"year": "Send a year, or start and end."})
            asked["start"] = date(year, 1, 1) - timedelta(days=1) if year > 1 else None
            asked["end"] = date(year, 12, 31)
        report = realised_gains_report(self.portfolios, **asked)
        if not self.table_format:  # a table is sent in pieces
            field = "start" if year is None else "year"
            refuse_too_many_lots(len(report.gains), field, "take fewer days or other filters, or format=csv.")
        return report


# --- income ---


@answering(shapes.IncomeSerializer, tables.INCOME)
class IncomeView(InvestmentReport):
    """Income by month, year, asset or type, with the fees and taxes that were taken from it."""

    parameters = {
        **OF_EVERY_REPORT,
        "start": START,
        "end": END,
        "group_by": choice(GROUPINGS, "What the rows are; month, where it is absent."),
        "asset": ONE_ASSET,
        **ASSET_FILTERS,
        **FORMAT,
    }
    answer = staticmethod(answers.income_answer)
    table = staticmethod(tables.income_table)
    file_title = staticmethod(tables.income_title)

    def investments(self, **asked: Any) -> Income:
        return income_report(self.portfolios, **asked)


@answering(shapes.IncomeSerializer, tables.INCOME)
class PortfolioIncomeView(IncomeView):
    """The income of a portfolio by month, year, asset or type."""

    parameters = of_one(IncomeView)


# --- returns ---


class ComparedReport(InvestmentReport):
    """Reads `benchmark`. The ETag of an answer with one depends on its prices."""

    def table(self, report: tuple[bool, Performance]) -> Table:
        return tables.performance_table(report[1])

    def file_title(self, report: tuple[bool, Performance]) -> tuple[str, ...]:
        return tables.performance_title(report[1])

    def etag_parts(self) -> tuple[str, ...]:
        asked = self.read_parameters().get("benchmark", ())
        return (*super().etag_parts(), *(state_of_prices(pk) for pk in asked))

    def report(self, **asked: Any) -> Any:
        if asked.get("explain") and self.table_format:
            raise exceptions.ValidationError({"explain": "It is only for JSON."})
        benchmark = asked.pop("benchmark", None)
        if benchmark is not None:
            instrument = Instrument.objects.for_user(self.request.user).filter(pk=benchmark).first()
            if instrument is None:
                raise NotFound("instrument", "benchmark")
            asked["compared_with"] = instrument
        return super().report(**asked)


def performance_shown(report: tuple[bool, Performance]) -> dict[str, Any]:
    explain, measured = report
    if explain:
        refuse_too_many(
            len(measured.chain), MOST_DAYS, "days", "explain", "leave it out, or take fewer days."
        )
    return answers.performance_answer(measured, explain=explain)


@answering(shapes.PerformanceSerializer, tables.PERFORMANCE)
class PerformanceView(ComparedReport):
    """Returns and gains after `start` up to the end of `end`.

    What cannot be computed is null, and `reasons` says why. Flows are what came into the portfolios or left them:
    purchases and sales between their own assets cancel out.
    """

    parameters = {
        **OF_EVERY_REPORT,
        "start": START,
        "end": END,
        "method": METHOD,
        "benchmark": BENCHMARK,
        "explain": flag("True gives the flows and the chain of days, from which the returns follow."),
        **ASSET_FILTERS,
        **FORMAT,
    }
    answer = staticmethod(performance_shown)

    def investments(self, explain: bool = False, **asked: Any) -> tuple[bool, Performance]:
        return explain, performance_report(self.portfolios, **asked)


@answering(shapes.PerformanceSerializer, tables.PERFORMANCE)
class PortfolioPerformanceView(PerformanceView):
    """Returns and gains of a portfolio after `start` up to the end of `end`."""

    parameters = of_one(PerformanceView)


@in_path("id")
@answering(shapes.PerformanceSerializer, tables.PERFORMANCE)
class AssetPerformanceView(AssetReport, ComparedReport):
    """Returns and gains of an asset: its purchases, sales and income are the flows, with fees and without taxes."""

    parameters = {
        "start": START,
        "end": END,
        "method": METHOD,
        "currency": currency_code("To report in. The asset's own, where it is absent."),
        "benchmark": BENCHMARK,
        "explain": PerformanceView.parameters["explain"],
        "known_at": KNOWN_AT,
        **FORMAT,
    }
    answer = staticmethod(performance_shown)

    def investments(
        self, explain: bool = False, start: date | None = None, **asked: Any
    ) -> tuple[bool, Performance]:
        asset = self.asset()
        asked.setdefault("end", latest_today(self.portfolios))
        asked.setdefault("currency", asset.currency)
        return explain, performance(self.portfolios, start=start, asset_id=asset.pk, **asked)

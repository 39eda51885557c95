"""Lots, gains, income and returns as CSV tables: see reports.api.tables."""

from __future__ import annotations

from collections.abc import Iterable

from investments.queries.holdings import LotsOfAsset, RealisedGains
from investments.queries.income import Income
from investments.queries.performance import Performance
from reports.api.investments.answers import (
    income_answer,
    lots_answer,
    performance_answer,
    realised_gains_answer,
)
from reports.api.tables import Table, in_columns, price_gaps_text
from strata.api.http.csv_columns import TRUTH
from strata.api.http.csv_renderer import as_text

GAIN_COLUMNS = (
    *("currency", "method", "row", "asset_id", "asset", "transaction_id", "disposal_id"),
    *("acquired_on", "disposed_on", "holding_days", "quantity"),
    *("cost", "proceeds", "realised_gain", "fx_gain", "complete", "missing_rates"),
)
INCOME_COLUMNS = (
    *("currency", "group_by", "row", "key", "name", "income", "fees", "taxes"),
    *("complete", "missing_rates"),
)
LOT_COLUMNS = (
    *("on", "currency", "method", "row", "asset_id", "asset", "transaction_id", "disposal_id"),
    *(
        "acquired_on",
        "disposed_on",
        "holding_days",
        "quantity",
        "cost",
        "unit_cost",
        "value",
        "unrealised_gain",
    ),
    *("proceeds", "realised_gain", "fx_gain", "missing_quantity", "missing_proceeds"),
)
PERFORMANCE_COLUMNS = (
    *("start", "end", "currency", "method", "start_value", "end_value", "net_flows"),
    *(
        "twr",
        "twr_annualised",
        "xirr",
        "realised_gain",
        "unrealised_gain",
        "fx_gain",
        "income",
        "fees",
        "taxes",
    ),
    *("max_drawdown", "max_drawdown_from", "max_drawdown_to", "volatility", "semi_volatility"),
    *("benchmark", "benchmark_twr", "benchmark_xirr", "missing_rates", "missing_prices", "reasons"),
)
LOTS = "A row for each asset (`row` is asset), then one for each lot that is asked for (`row` is open or closed)."
PERFORMANCE = (
    "One row. `reasons` says of each figure that is empty why it is (`twr: NO_VALUE; ...`); the chain of `explain` is "
    "only in JSON."
)
REALISED_GAINS = (
    "A row for each closed lot (`row` is lot), and the total, whose `missing_rates` are the rates that are missing "
    "(`USD on 2024-06-30; ...`)."
)
INCOME = "A row for each group (`row` is group), and the total, whose `missing_rates` are the rates that are missing."


def realised_gains_table(report: RealisedGains) -> Table:
    answer = realised_gains_answer(report)
    of_all = {
        "currency": report.currency,
        "method": answer["method"],
        "complete": TRUTH[report.totals.complete],
    }
    rows = []
    for result in answer["results"]:
        asset = result.pop("asset")
        name = as_text(asset["name"])
        days = str(result["holding_days"])
        rows.append({"row": "lot", **result, "asset_id": asset["id"], "asset": name, "holding_days": days})
    missing = missing_text(report.missing_rates)
    total = {"row": "total", **answer["totals"], "missing_rates": missing}
    return in_columns(GAIN_COLUMNS, (of_all | row for row in [*rows, total]))


def realised_gains_title(report: RealisedGains) -> tuple[str, ...]:
    return ("realised-gains",)


def income_table(report: Income) -> Table:
    answer = income_answer(report)
    of_all = {
        "currency": report.currency,
        "group_by": report.group_by,
        "complete": TRUTH[answer["complete"]],
    }
    rows = [{"row": "group", **row, "name": as_text(row["name"])} for row in answer["rows"]]
    missing = missing_text(report.missing_rates)
    total = {"row": "total", **answer["total"], "missing_rates": missing}
    return in_columns(INCOME_COLUMNS, (of_all | row for row in [*rows, total]))


def income_title(report: Income) -> tuple[str, ...]:
    return "income", report.group_by


def missing_text(missing: Iterable[tuple[str, object]]) -> str:
    return "; ".join(f"{currency} on {on}" for currency, on in missing)


def lots_table(results: Iterable[LotsOfAsset], *, detail: bool, closed: bool) -> Table:
    return in_columns(LOT_COLUMNS, (row for each in results for row in lot_rows(each, detail, closed)))


def lot_rows(report: LotsOfAsset, detail: bool, closed: bool) -> Iterable[dict[str, str | None]]:
    answer = lots_answer(report, detail=detail, closed=closed)
    lots = [("open", lot) for lot in answer.pop("open", ())] + [
        ("closed", lot) for lot in answer.pop("closed", ())
    ]
    of_all = {name: answer[name] for name in ("on", "currency", "method", "asset_id")}
    of_all["asset"] = as_text(report.asset.name)
    yield {"row": "asset", **answer, **of_all}
    for kind, lot in lots:
        yield {"row": kind, **lot, **of_all, "holding_days": str(lot["holding_days"])}


def performance_table(report: Performance) -> Table:
    answer = performance_answer(report)
    drawdown, benchmark = answer.pop("max_drawdown") or {}, answer.pop("benchmark") or {}
    row = answer | {
        "max_drawdown": drawdown.get("value"),
        "max_drawdown_from": drawdown.get("from"),
        "max_drawdown_to": drawdown.get("to"),
        "benchmark": as_text(benchmark["instrument"]["symbol"]) if benchmark else None,
        "benchmark_twr": benchmark.get("twr"),
        "benchmark_xirr": benchmark.get("xirr_of_same_flows"),
        "missing_rates": missing_text(report.missing_rates),
        "missing_prices": price_gaps_text(report.missing_prices, dated=True),
        "reasons": "; ".join(f"{name}: {reason['code']}" for name, reason in answer["reasons"].items()),
    }
    return in_columns(PERFORMANCE_COLUMNS, [row])


def performance_title(report: Performance) -> tuple[str, ...]:
    return "performance", report.start.isoformat(), report.end.isoformat()

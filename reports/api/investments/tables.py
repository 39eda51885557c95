"""Realised gains and income as CSV tables: see reports.api.tables."""

from __future__ import annotations

from collections.abc import Iterable

from investments.queries.holdings import RealisedGains
from investments.queries.income import Income
from reports.api.investments.answers import income_answer, realised_gains_answer
from reports.api.tables import Table, in_columns
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

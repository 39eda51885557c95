"""Reports as CSV tables: first the header, then one row for each group or point; every cell is text.

Each row says whether its report is `complete`. A column has the same meaning in all rows; a cell without a value is
empty. Rows are generated while they are sent, from the report alone, without further queries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, repeat
from typing import Any

from assets.valuation import PriceGap
from assets.valuation.series import Missing
from reports.api.answers import (
    PARTS,
    index_answer,
    issue_answer,
    no_index_value,
    parts_answer,
    share_text,
    writer,
)
from reports.api.missing_rates import gap_text, price_gap_text
from reports.calculations.net_worth import Point
from reports.calculations.real_terms import RealTerms
from reports.queries import AllocationReport, ChangeReport, NetWorthSeries, QualityIssue
from reports.queries.keys import key_text
from strata.api.http.csv_columns import TRUTH
from strata.api.http.csv_renderer import TextCell, as_text, joined
from strata.fields.numbers import money_text

type Table = Iterator[list[str]]

BEFORE_GROUPS, AFTER_GROUPS = (
    ("on", "currency", "assets", "liabilities", "net"),
    ("complete", "missing_rates", "missing_prices"),
)
REAL_COLUMNS = ("real_on", "index", "index_on", "reason")
ALLOCATION_COLUMNS = (
    *("on", "currency", "side", "key", "group"),
    *("value", "share", "target", "drift", "rebalance", "complete", "missing_rates", "missing_prices"),
)
CHANGE_COLUMNS = (
    "start",
    "end",
    "currency",
    "row",
    "key",
    "group",
    *PARTS,
    "complete",
    "missing_rates",
    "missing_prices",
)
# What the columns are, for the schema.
NET_WORTH = (
    "A row for each point, a column for each group: a category by its way from the top (`Top > Below`), and a name "
    "that another column has too with the group's key (`net (tag's id)`). `missing_rates` are the amounts that the "
    "point leaves out: `USD -40.00; JPY 5.00`; `missing_prices` are the assets that it leaves out: "
    "`World ETF (last price 2024-05-02); Gold (no price)`. With `real` there are also `real_on`, the day in whose "
    "money the amounts are, `index`, `index_on`, and the `reason` why a point has no amounts."
)
ALLOCATION = (
    "A row for each group; `side` is assets or liabilities. The row of the side liquid is what is owned and can be "
    "turned into money within days. The last row, of the side net, is the whole: its "
    "`missing_rates` are the amounts that all of the rows leave out (`USD -40.00; CHF 5.00`), and `missing_prices` the "
    "assets."
)
QUALITY_COLUMNS = (
    *("key", "code", "severity", "message", "asset_id", "asset", "on", "other_asset_id", "link"),
    *("dismissed_by", "dismissed_at", "dismissed_reason"),
)
QUALITY = "A row for each finding."
CHANGE = (
    "A row for each group or asset (`row` is group), that of the total, whose `missing_rates` are what all of "
    "the rows leave out (`JPY 1000.00 on 2024-06-30; ...`) and `missing_prices` the same of prices, and one for each "
    "asset that is in none of the figures "
    "(left_out)."
)


def net_worth_table(series: NetWorthSeries) -> Table:
    rows = map(point_row, series.points, repeat(series), repeat(writer(series.currency)))
    header = [*BEFORE_GROUPS, *group_columns(series), *AFTER_GROUPS]
    if series.real is None:
        yield header
        yield from rows
    else:
        yield [*header, *REAL_COLUMNS]
        yield from real_rows(series.real, rows, series.currency, len(header))


def point_row(point: Point, series: NetWorthSeries, text: Any) -> list[str]:
    return [
        point.on.isoformat(),
        series.currency,
        *map(text, (point.assets, point.liabilities, point.net)),
        *(text(point.groups[key]) for key in series.labels),
        TRUTH[point.complete],
        missing_text(point.missing_rates),
        price_gaps_text(point.missing_prices),
    ]


def real_rows(real: RealTerms, known: Iterator[list[str]], currency: str, width: int) -> Table:
    """The rows of the known points, and one without amounts for each day whose index is unknown."""
    for number, (on, value) in enumerate(zip(real.days, real.values, strict=True)):
        lacking_on, index = real.lacking_on(number), index_answer(value)
        reason = "" if lacking_on is None else no_index_value(real, lacking_on)["message"]
        unknown = [on.isoformat(), currency, *[""] * (width - 5), TRUTH[False], "", ""]
        row = unknown if reason else next(known)
        yield [*row, real.on.isoformat(), index["index"] or "", index["index_on"] or "", as_text(reason)]


def net_worth_title(series: NetWorthSeries) -> tuple[str, ...]:
    days = [point.on for point in series.points] if series.real is None else series.real.days
    return ("net-worth", *(["real"] if series.real else []), *[on.isoformat() for on in days[-1:]])


def missing_text(missing: Iterable[Missing]) -> str:
    return "; ".join(map(left_out_text, missing))


def left_out_text(gap: Missing) -> str:
    return gap_text(gap.currency, money_text(gap.amount), gap.amount_currency)


def price_gaps_text(missing: Iterable[PriceGap], *, dated: bool = False) -> TextCell:
    """The assets that are left out because a price is missing; with the day where the report has several."""
    return joined(
        "; ", [as_text(price_gap_cell(gap) + (f" on {gap.on}" if dated else "")) for gap in missing]
    )


def price_gap_cell(gap: PriceGap) -> str:
    return price_gap_text(gap.asset_name, None if gap.last_on is None else gap.last_on.isoformat())


def group_columns(series: NetWorthSeries) -> list[str]:
    """The groups' names; a name that another column also has is followed by the key."""
    names = {key: group_text(key, series) for key in series.labels}
    real = REAL_COLUMNS if series.real else ()
    taken = Counter([*BEFORE_GROUPS, *names.values(), *AFTER_GROUPS, *real])
    return [
        name if taken[name] == 1 else joined(" ", [name, as_text(f"({key_text(key)})")])
        for key, name in names.items()
    ]


def group_text(key: Hashable, report: AllocationReport | ChangeReport | NetWorthSeries) -> TextCell:
    """The group's name; for a category its path from the top, because two branches may have the same name."""
    return as_text(" > ".join(report.paths.get(key, ())) or report.labels[key])


def allocation_table(report: AllocationReport) -> Table:
    allocation = report.allocation
    rows = (
        {
            "side": side,
            "key": as_text(key_text(part.key)),
            "group": group_text(part.key, report),
            "value": money_text(part.value),
            "share": share_text(part.share),
            "target": share_text(part.target),
            "drift": share_text(part.drift),
            "rebalance": None if part.rebalance is None else money_text(part.rebalance),
        }
        for side, parts in (("assets", allocation.asset_groups), ("liabilities", allocation.liability_groups))
        for part in parts
    )
    missing = missing_text(allocation.missing_rates)
    whole: dict[str, str | None] = {
        "side": "net",
        "group": "total",
        "value": money_text(allocation.net),
        "missing_rates": missing,
        "missing_prices": price_gaps_text(allocation.missing_prices),
    }
    liquid: dict[str, str | None] = {
        "side": "liquid",
        "group": "total",
        "value": money_text(allocation.liquid.value),
        "share": share_text(allocation.liquid.share),
    }
    of_all: dict[str, str | None] = {
        "on": allocation.on.isoformat(),
        "currency": allocation.currency,
        "complete": TRUTH[allocation.complete],
    }
    return in_columns(ALLOCATION_COLUMNS, (of_all | row for row in chain(rows, [liquid, whole])))


def allocation_title(report: AllocationReport) -> tuple[str, ...]:
    return "allocation", report.allocation.on.isoformat()


def change_table(report: ChangeReport) -> Table:
    change, text = report.change, writer(report.change.currency)
    rows = (
        {
            "row": "group",
            "key": as_text(key_text(key)),
            "group": group_text(key, report),
            **parts_answer(parts, text),
        }
        for key, parts in change.rows.items()
    )
    missing = "; ".join(f"{left_out_text(gap)} on {gap.on}" for gap in change.missing_rates)
    total = {
        **{"row": "total", "group": "total", **parts_answer(change.total, text), "missing_rates": missing},
        "missing_prices": price_gaps_text(change.missing_prices, dated=True),
    }
    left_out = (
        {"row": "left_out", "key": str(key), "group": as_text(report.labels[key])} for key in change.left_out
    )
    of_all = {
        "start": change.start.isoformat(),
        "end": change.end.isoformat(),
        "currency": change.currency,
        "complete": TRUTH[change.complete],
    }
    return in_columns(CHANGE_COLUMNS, (of_all | row for row in chain(rows, [total], left_out)))


def change_title(report: ChangeReport) -> tuple[str, ...]:
    return "change", report.change.start.isoformat(), report.change.end.isoformat()


def quality_table(report: tuple[date, date, list[QualityIssue]]) -> Table:
    return in_columns(QUALITY_COLUMNS, map(finding_row, report[2]))


def finding_row(issue: QualityIssue) -> dict[str, str | None]:
    answer = issue_answer(issue)
    asset, dismissed = answer["asset"] or {"id": None, "name": ""}, answer["dismissed"] or {}
    return answer | {
        "message": as_text(answer["message"]),
        "asset_id": asset["id"],
        "asset": as_text(asset["name"]),
        "dismissed_by": as_text(dismissed.get("by") or ""),
        "dismissed_at": dismissed.get("at"),
        "dismissed_reason": as_text(dismissed.get("reason") or ""),
    }


def quality_title(report: tuple[date, date, list[QualityIssue]]) -> tuple[str, ...]:
    return "quality", report[0].isoformat()


def in_columns(columns: Sequence[str], rows: Iterable[Mapping[str, str | None]]) -> Table:
    yield [*columns]
    for row in rows:
        yield [row.get(name) or "" for name in columns]

"""Why net worth changed over the range: a waterfall of the reasons, and the assets that changed most."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from reports.dashboard.missing import without_price
from reports.queries import ChangeReport
from reports.rendering.completeness import currencies_without_rate
from reports.rendering.formats import Amount, amount
from reports.rendering.reasons import REASONS, signed_parts
from reports.rendering.waterfall import waterfall

MOST_MOVERS = 5


def reasons(report: ChangeReport) -> dict[str, Any]:
    """The rows from start to end, which add up, and the assets that changed most."""
    change, currency = report.change, report.change.currency
    parts = signed_parts(change.total)
    picture = waterfall(change.total.start_value, list(parts.values()))
    rows: list[tuple[Any, Amount]] = [
        (_("Start"), amount(change.total.start_value, currency)),
        *((REASONS[name], amount(value, currency, signed=True)) for name, value in parts.items()),
        (_("End"), amount(change.total.end_value, currency)),
    ]
    return {
        "total": amount(change.total.change, currency, signed=True),
        "cut": picture.cut,
        "rows": [
            {"name": name, "value": value, "bar": bar, "is_total": number in (0, len(rows) - 1)}
            for number, ((name, value), bar) in enumerate(zip(rows, picture.bars, strict=True))
        ],
        "movers": movers(report),
        "left_out": [report.labels[key] for key in change.left_out],
        "missing": currencies_without_rate(change.missing_rates),
        "without_price": without_price(change.missing_prices),
        "complete": change.complete,
    }


def movers(report: ChangeReport) -> list[dict[str, Any]]:
    ranked = sorted(report.change.rows.items(), key=lambda row: -abs(row[1].change))[:MOST_MOVERS]
    return [
        {
            "name": report.labels[key],
            "link": reverse("admin:assets_asset_change", args=[key]),
            "value": amount(row.change, report.change.currency, signed=True),
        }
        for key, row in ranked
        if row.change
    ]

"""Income of assets by month, year, asset or type."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from assets.models import AssetType, Transaction
from assets.models.classification import type_names
from assets.rates.store import rate_book
from assets.valuation.series import ten_thousandths
from investments.calculations.reported import Rates
from portfolios.models import Portfolio

MONTH, YEAR, ASSET, TYPE = GROUPINGS = ("month", "year", "asset", "type")
COLUMNS = ("on", "asset_id", "asset__asset_type_id", "currency", "amount", "fee", "tax")


@dataclass(slots=True)
class IncomeRow:
    """Gross income, and the fees and taxes that were taken from it, in fine units."""

    income: int = 0
    fees: int = 0
    taxes: int = 0

    def add(self, income: int, fees: int, taxes: int) -> None:
        self.income += income
        self.fees += fees
        self.taxes += taxes


@dataclass(slots=True)
class Income:
    """The rows by key: the first day of a month ("2024-03") or year ("2024"), or an id; `names` name the ids."""

    currency: str
    group_by: str
    rows: dict[Hashable, IncomeRow] = field(default_factory=dict)
    names: Mapping[Hashable, str] = field(default_factory=dict)
    total: IncomeRow = field(default_factory=IncomeRow)
    missing_rates: Sequence[tuple[str, date]] = ()


def income_of(
    portfolios: Sequence[Portfolio],
    *,
    start: date | None,
    end: date,
    currency: str,
    group_by: str = MONTH,
    only_assets: Collection[UUID] | None = None,
    include_all: bool = False,
) -> Income:
    """The income after `start` up to the end of `end`, each at the rate of its day. What has no rate is left out."""
    rows = Transaction.objects.filter(
        asset__portfolio__in=[portfolio.pk for portfolio in portfolios],
        type=Transaction.Type.INCOME,
        on__lte=end,
    )
    rows = rows if start is None else rows.filter(on__gt=start)
    rows = rows if include_all else rows.filter(asset__counts_in_net_worth=True)
    columns = [
        row
        for row in rows.order_by("on", "position", "id").values_list(*COLUMNS, "asset__name")
        if only_assets is None or row[1] in only_assets
    ]
    first = min((row[0] for row in columns), default=end)
    book = rate_book({currency, *(row[3] for row in columns)}, start=first, end=end, portfolios=portfolios)
    rates, result = Rates(currency, book), Income(currency, group_by)
    for on, asset_id, type_id, code, *amounts, _ in columns:
        fine = [rates.fine(ten_thousandths(amount or 0), code, on) for amount in amounts]
        known = [amount for amount in fine if amount is not None]
        if len(known) == len(fine):
            key = key_of(group_by, on, asset_id, type_id)
            result.rows.setdefault(key, IncomeRow()).add(*known)
            result.total.add(*known)
    result.names = _names(result, {row[1]: row[-1] for row in columns})
    result.missing_rates = sorted(rates.missing)
    return result


def key_of(group_by: str, on: date, asset_id: UUID, type_id: UUID) -> Hashable:
    if group_by == ASSET:
        return asset_id
    if group_by == TYPE:
        return type_id
    return f"{on:%Y-%m}" if group_by == MONTH else f"{on:%Y}"


def _names(result: Income, asset_names: Mapping[UUID, str]) -> Mapping[Hashable, str]:
    if result.group_by == ASSET:
        return {key: name for key, name in asset_names.items() if key in result.rows}
    if result.group_by == TYPE:
        return dict(type_names(AssetType.objects.filter(pk__in=list(result.rows))))
    return {key: str(key) for key in result.rows}

"""Splits each asset's change between two days exactly: money that moved, income, expenses, values, rates.

The definitions of the parts, and the identity that they satisfy, are in change.py, which rounds and shows them.

Rates between the two days are kept to 40 decimal places, which leaves an error below 10**-20 in any sum; the net
at both ends is exact. Everything else is in whole numbers of 10**-44, for which the identity holds exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from operator import mul, sub
from typing import Literal, NamedTuple

from assets.rates.book import MissingRate, RateBook
from assets.valuation.formulas.shares import ShareChange
from assets.valuation.series import (
    EXACT,
    MONEY_PLACES,
    Amount,
    Missing,
    ValueSeries,
    missing,
    money,
    ten_thousandths,
)
from reports.calculations.rounding import half_even

type AttributionKind = Literal["balance", "value"]
type CashFlowType = Literal["ACQUIRE", "DISPOSE", "ADJUST", "INCOME", "EXPENSE"]

TRADES = ("ACQUIRE", "DISPOSE")  # a transfer is one of them at each asset
RATE_PLACES = 40
UNIT_PLACES = RATE_PLACES + MONEY_PLACES
_RATE_UNIT: int = 10**RATE_PLACES


class CashFlow(NamedTuple):
    """A transaction as it was entered: no amount is negative, the type gives the direction.

    `amount` is before fee and tax. `currency` may differ from the asset's. ADJUST moves no money. A trade that
    `is_early` counts on its own day, although the asset has its first value later, or none. Where the asset
    `moves_whole`, its amount is that of the asset's value: of a debt it counts as negative.
    """

    type: CashFlowType
    on: date
    currency: str
    amount: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    is_early: bool = False
    moves_whole: bool = False


class ExplainedAsset(NamedTuple):
    """An asset with everything that explains its change between `start` and `end`.

    `history` must hold the newest value on or before `start`, if there is one, and all later values up to `end`; more
    values do no harm. For an asset in the reporting currency, fewer are enough: the newest values on or before the
    start, the day before a disposal, each day on which it moves whole, and the end, and the first value if that is
    between start and end. `cash_flows`
    must hold those after `start` up to `end`; if the first value is between the two, also those before it.
    `share_changes` must have those between the two days.
    """

    asset: Hashable
    kind: AttributionKind
    history: ValueSeries
    cash_flows: Sequence[CashFlow] = ()
    share_changes: Sequence[ShareChange] = ()


class Split(NamedTuple):
    """The change of an asset or a group in whole numbers of 10**-44, not rounded; signs as in Parts."""

    start_value: int = 0
    end_value: int = 0
    net_flows: int = 0
    income: int = 0
    expenses: int = 0
    value_change: int = 0
    fx_change: int = 0
    added: int = 0
    removed: int = 0

    def signed(self) -> list[int]:
        """The parts, so that their plain sum is end_value - start_value."""
        return [
            self.net_flows, self.income, -self.expenses, self.value_change, self.fx_change, self.added, -self.removed
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Splits:
    """The exact change of each asset, the exact net on both days, and the assets left out."""

    by_asset: Mapping[Hashable, Split]
    net_start: Fraction
    net_end: Fraction
    left_out: tuple[Hashable, ...]
    missing_rates: tuple[Missing, ...]


def split_changes(
    assets: Iterable[ExplainedAsset], *, start: date, end: date, currency: str, rates: RateBook
) -> Splits:
    """The change of each asset, exact, not rounded; change_between rounds it."""
    if end < start:
        raise ValueError("end lies before start")
    window = _Window(start, end, currency, rates)
    by_asset: dict[Hashable, Split] = {}
    left_out = []
    with localcontext(EXACT):
        for asset in assets:
            split = window.split(asset)
            if split is None:
                left_out.append(asset.asset)
            else:
                by_asset[asset.asset] = split
    return Splits(by_asset, *window.nets(), tuple(left_out), window.missing_rates())


class _Path(NamedTuple):
    """An asset's values between the two days: values[i] holds from points[i] until points[i + 1].

    `opening` and `closing` are the values on the two days. `added_on` and `removed_on` are the days of its first value
    and of its disposal; None if they are not between the two days.
    """

    opening: Amount
    closing: Amount
    points: tuple[date, ...]
    values: Sequence[Amount]
    added_on: date | None
    removed_on: date | None


def _path(past: ValueSeries, start: date, end: date) -> _Path:
    disposed = past.disposed_on
    if past.first_on is None or (disposed is not None and disposed <= start):
        return _Path(0, 0, (start, end), (0,), None, None)
    first = bisect_right(past.days, start)
    last = bisect_right(past.days, past.last_day(end))
    amounts = past.amounts
    values = amounts[first - 1 : last] if first else (0, *amounts[:last])
    removed_on = disposed if disposed is not None and disposed <= end and last else None
    return _Path(
        values[0],
        values[-1] if removed_on is None else 0,
        (start, *past.days[first:last], removed_on or end),
        values,
        past.first_on if not first and last else None,
        removed_on,
    )


class _Carried(dict[date, int | None]):
    """One currency's rates into the report's currency, in 10**-40, each looked up once; None for a missing rate."""

    def __init__(self, source: str, target: str, rates: RateBook) -> None:
        self.source, self.target, self.rates = source, target, rates

    def __missing__(self, on: date) -> int | None:
        try:
            above, below = self.rates.ratio(self.source, self.target, on=on)
            self[on] = half_even(above * _RATE_UNIT, below)
        except MissingRate:
            self[on] = None
        return self[on]


@dataclass(slots=True)
class _CashFlowSums:
    """Sums of an asset's cash flows in the window, in units of the report's currency; `expenses` with fees and tax."""

    acquired: int = 0
    disposed: int = 0
    income: int = 0
    expenses: int = 0
    bought_on: set[date] = field(default_factory=set)
    sold_on: set[date] = field(default_factory=set)

    def opened_on(self, value: Amount) -> set[date]:
        """The days of trades that may have opened a holding of this value: of what is below zero a short sale too."""
        return self.bought_on | self.sold_on if value < 0 else self.bought_on

    def closed_on(self, value: Amount) -> set[date]:
        return self.bought_on | self.sold_on if value < 0 else self.sold_on


class _Window:
    """The two days, the currency and the rates of a report, and the sums over its assets so far."""

    def __init__(self, start: date, end: date, currency: str, rates: RateBook) -> None:
        self.start, self.end, self.currency, self.rates = start, end, currency, rates
        self._carried: dict[str, _Carried] = {}
        self._turns: dict[str, tuple[tuple[date, ...], list[int] | None]] = {}
        self._sums: dict[str, tuple[int, int]] = {}
        self._missing: dict[tuple[str, date, str], Decimal] = {}

    # --- one asset ---

    def split(self, asset: ExplainedAsset) -> Split | None:
        """The asset's change; None if a rate that its values need is missing, which is then recorded."""
        path = _path(asset.history, self.start, self.end)
        fx = self._fx(asset.history.currency, path)
        if fx is None:
            self._name(asset.history.currency, path)
            return None
        self._add_to_nets(asset.history.currency, path)
        if asset.kind == "balance":
            return self._balance(asset, path, fx)
        return self._value(asset, path, fx)

    def _balance(self, asset: ExplainedAsset, path: _Path, fx: int) -> Split:
        sums = self._sum_cash_flows(asset)
        start, end = self._ends(asset, path)
        added, removed = self._by_shares(asset)
        net_flows = end - start - fx - sums.income + sums.expenses - added + removed
        return Split(
            start, end, net_flows, sums.income, sums.expenses, fx_change=fx, added=added, removed=removed
        )

    def _value(self, asset: ExplainedAsset, path: _Path, fx: int) -> Split:
        sums = self._sum_cash_flows(asset)
        start, end = self._ends(asset, path)
        added, removed = self._by_shares(asset)
        if path.added_on is not None and path.added_on not in sums.opened_on(path.values[1]):
            added += self._units(asset.history.currency, path.added_on, path.values[1])
        if path.removed_on is not None and path.removed_on not in sums.closed_on(path.values[-1]):
            removed += self._units(asset.history.currency, path.removed_on, path.values[-1])
        traded = sums.acquired - sums.disposed
        net_flows = traded - sums.income + sums.expenses
        # The rest: changes in value in the asset's own currency, at the rates of their days, less trades.
        value_change = end - start - fx - traded - added + removed
        return Split(start, end, net_flows, sums.income, sums.expenses, value_change, fx, added, removed)

    def _by_shares(self, asset: ExplainedAsset) -> tuple[int, int]:
        """What was added and removed by changes of the household's share, but for days with a trade: that is why."""
        added = removed = 0
        if not asset.share_changes:
            return added, removed
        traded_on = {flow.on for flow in asset.cash_flows if flow.type in TRADES}
        for change in asset.share_changes:
            if change.on in traded_on or not self.start < change.on <= self.end:
                continue
            try:
                amount = self._units(asset.history.currency, change.on, change.amount)
            except MissingRate:  # the value is the same as before it, so that nothing else needs the rate
                self._miss(asset.history.currency, change.on, money(change.amount))
                continue
            if change.is_rise:
                added += amount
            else:
                removed -= amount
        return added, removed

    def _ends(self, asset: ExplainedAsset, path: _Path) -> tuple[int, int]:
        currency = asset.history.currency
        return self._units(currency, self.start, path.opening), self._units(currency, self.end, path.closing)

    def _fx(self, currency: str, path: _Path) -> int | None:
        """The sum of each value times the change of the rate while the value held; None if a rate is missing."""
        if currency == self.currency:
            return 0
        fx = self._telescoped(currency, path.points, path.values)
        return self._telescoped(currency, *_where_it_matters(path)) if fx is None else fx

    def _telescoped(self, currency: str, points: tuple[date, ...], values: Sequence[Amount]) -> int | None:
        rises = self._turns_of(currency, points)
        if rises is None:
            return None
        total: Amount = sum(map(mul, values, rises))
        return ten_thousandths(total)

    def _turns_of(self, currency: str, points: tuple[date, ...]) -> list[int] | None:
        """By how much the rate rose from each point to the next; None if a rate is missing.

        Many assets have values on exactly the same days, so the last result of each currency is kept. Keeping all
        would take as much memory as all values, which are never in memory at once.
        """
        known, rises = self._turns.get(currency, ((), None))
        if known != points or not points:
            carried = self._rates_of(currency)
            rates = [carried[on] for on in points]
            rises = None if None in rates else list(map(sub, rates[1:], rates))
            self._turns[currency] = points, rises
        return rises

    # --- cash flows ---

    def _sum_cash_flows(self, asset: ExplainedAsset) -> _CashFlowSums:
        """The sums of the asset's cash flows between the two days, each on the day on which it takes effect."""
        sums = _CashFlowSums()
        for cash_flow in asset.cash_flows:
            on = _effective_on(cash_flow, asset.history.days)
            if on is not None and self.start < on <= self.end and cash_flow.type != "ADJUST":
                if cash_flow.moves_whole and asset.history.is_debt_on(on):
                    cash_flow = cash_flow._replace(amount=-cash_flow.amount)
                self._add(cash_flow, on, sums)
        return sums

    def _add(self, cash_flow: CashFlow, on: date, sums: _CashFlowSums) -> None:
        costs = cash_flow.fee + cash_flow.tax
        try:
            amount = self._units(cash_flow.currency, on, cash_flow.amount)
            sums.expenses += self._units(cash_flow.currency, on, costs)
        except MissingRate:
            self._miss(cash_flow.currency, on, cash_flow.amount or costs)
            return
        match cash_flow.type:
            case "ACQUIRE":
                sums.acquired += amount
                sums.bought_on.add(on)
            case "DISPOSE":
                sums.disposed += amount
                sums.sold_on.add(on)
            case "INCOME":
                sums.income += amount
            case "EXPENSE":
                sums.expenses += amount

    # --- rates ---

    def _rates_of(self, currency: str) -> _Carried:
        if currency not in self._carried:
            self._carried[currency] = _Carried(currency, self.currency, self.rates)
        return self._carried[currency]

    def _units(self, currency: str, on: date, amount: Amount) -> int:
        """The amount at the day's rate. Zero needs none. Raises MissingRate."""
        if not amount:
            return 0
        if currency == self.currency:
            return ten_thousandths(amount) * _RATE_UNIT
        rate = self._rates_of(currency)[on]
        if rate is None:
            raise MissingRate(currency, on)
        return ten_thousandths(amount) * rate

    def _add_to_nets(self, currency: str, path: _Path) -> None:
        before, after = self._sums.get(currency, (0, 0))
        opening, closing = ten_thousandths(path.opening), ten_thousandths(path.closing)
        self._sums[currency] = before + opening, after + closing

    def nets(self) -> tuple[Fraction, Fraction]:
        """The exact net on both days of the assets that are not left out."""
        start = end = Fraction(0)
        for currency, (before, after) in self._sums.items():
            if before:
                start += before * self.rates.rate(currency, self.currency, on=self.start)
            if after:
                end += after * self.rates.rate(currency, self.currency, on=self.end)
        return start / 10**MONEY_PLACES, end / 10**MONEY_PLACES

    # --- what is missing ---

    def _name(self, currency: str, path: _Path) -> None:
        """Record the missing rates of an asset: those of the two ends, or else the first one between them."""
        carried = self._rates_of(currency)
        ends = {self.start: path.opening, self.end: path.closing}  # a single entry if both are the same day
        lost = [(on, amount) for on, amount in ends.items() if amount and carried[on] is None]
        if not lost:
            points, values = _where_it_matters(path)
            steps = zip(points, [*values, 0], [0, *values], strict=True)
            lost = [(on, after or before) for on, after, before in steps if carried[on] is None][:1]
        for on, amount in lost:
            self._miss(currency, on, money(amount))

    def _miss(self, currency: str, on: date, amount: Decimal) -> None:
        for gap in missing(currency, self.currency, on, amount, self.rates):
            key = (gap.currency, on, gap.amount_currency)
            self._missing[key] = self._missing.get(key, Decimal(0)) + amount

    def missing_rates(self) -> tuple[Missing, ...]:
        amounts = sorted(self._missing.items(), key=lambda item: item[0])
        return tuple(Missing(code, on, amount, source) for (code, on, source), amount in amounts)


def _where_it_matters(path: _Path) -> tuple[tuple[date, ...], list[Amount]]:
    """The path without the points that need no rate: days on which nothing changed, and zeros at the ends."""
    changes: list[tuple[date, Amount]] = [(path.points[0], path.values[0])]
    for on, value in zip(path.points[1:-1], path.values[1:], strict=True):
        if value != changes[-1][1]:
            changes.append((on, value))
    if not changes[0][1]:
        changes = changes[1:]
    if not changes:
        return (), []
    last = [] if not changes[-1][1] else [path.points[-1]]
    values = [value for _, value in changes]
    return (*(on for on, _ in changes), *last), values if last else values[:-1]


def _effective_on(cash_flow: CashFlow, valued_on: Sequence[date]) -> date | None:
    """The day on which a cash flow counts; None for a trade in an asset that never has a value.

    A trade before the first value counts on the day of that value, even if the asset was disposed of by then: a
    history without the superseded values before the start must give the same result.
    """
    if cash_flow.type not in TRADES or cash_flow.is_early:
        return cash_flow.on
    return max(cash_flow.on, valued_on[0]) if valued_on else None

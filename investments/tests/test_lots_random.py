"""Random ledgers: the lots agree with an oracle in exact fractions, and no cost or gain is lost or made."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.holdings.events import Action, Ledger
from assets.holdings.quantities import quantities
from assets.rates.book import Rate, RateBook
from investments.calculations.conservation import faults
from investments.calculations.gains import realised_gains, realised_totals, total, total_in_own_currency
from investments.calculations.lots import lots
from investments.calculations.reported import Rates
from investments.tests.ledgers import A, B, action, buy, day, ledger, sell, trade, transfer
from investments.tests.oracle import results
from portfolios.lot_method import LotMethod

pytestmark = pytest.mark.on_sqlite  # no database can change it

EXACT = [LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO, LotMethod.SPECIFIC]
AMOUNTS = st.integers(0, 10**9).map(lambda number: Fraction(number, 10_000))
QUANTITIES = st.integers(1, 3_000).map(lambda number: Fraction(number, 100))
RATIOS = st.sampled_from([(2, 1), (1, 10), (3, 2), (1, 3), (7, 5)])
PARTS = st.sampled_from(["0", "0.1", "0.25", "0.3333", "1"])
CASH = st.integers(1, 400).map(lambda number: Fraction(number, 100))
ASSETS = st.sampled_from([A, B])


def step(kind, *values):
    return st.tuples(st.just(kind), ASSETS, st.tuples(*values))


CURRENCIES = st.sampled_from(["EUR", "EUR", "EUR", "USD"])
TRADES = st.one_of(
    step("buy", QUANTITIES, AMOUNTS, CURRENCIES),
    step("buy", QUANTITIES, AMOUNTS, CURRENCIES),
    step("sell", QUANTITIES, AMOUNTS, CURRENCIES),
    step("sell named", QUANTITIES, AMOUNTS, st.integers(0, 5), QUANTITIES),
    step("income", QUANTITIES, AMOUNTS),
    step("adjust", QUANTITIES.map(lambda quantity: quantity - 15), AMOUNTS),
    step("move", QUANTITIES),
)
ACTIONS = st.one_of(
    step("split", RATIOS),
    step("stock_dividend", RATIOS),
    step("return_of_capital", CASH),
    step("spin_off", RATIOS, PARTS),
    step("merger", RATIOS, PARTS, CASH),
)
STEPS = st.lists(st.one_of(TRADES, TRADES, ACTIONS), min_size=1, max_size=14)


def rate_on(source, target, on):
    return Fraction(3, 4) + Fraction(on.toordinal() % 7, 13)


class Writer:
    """A ledger of two assets that hold different instruments. Every second step is on the day of the one before it."""

    def __init__(self) -> None:
        self.events: dict = {A: [], B: []}
        self.bought: list = []
        self.action_ids = count(1)

    def write(self, steps: list) -> Ledger:
        for number, (kind, asset, values) in enumerate(steps):
            self.add(kind, asset, values, number // 2, number % 2)
        return ledger(self.events)

    def add(self, kind, asset, values, on, position) -> None:
        other = B if asset == A else A
        if kind == "move":
            leaving, arriving = transfer(on, *values, asset, other, position=position)
            self.events[asset].append(leaving)
            self.events[other].append(arriving._replace(position=position))
            return
        if kind in ("buy", "sell"):
            quantity, amount, currency = values
            make = buy if kind == "buy" else sell
            event = make(on, quantity, amount, fee="0.01", tax="0.02", position=position, currency=currency)
        elif kind == "sell named":
            quantity, amount, number, part = values
            named = [(self.bought[number], part)] if number < len(self.bought) else []
            event = sell(on, quantity, amount, position=position, lots=named)
        elif kind in ("income", "adjust"):
            quantity, amount = values
            event = trade(kind.upper(), on, quantity, amount if quantity > 0 else 0, position=position)
        else:
            event = self.action(kind, values, on, other)
        if not isinstance(event, Action):
            self.bought.append(event.transaction_id)
        self.events[asset].append(event)

    def action(self, kind, values, on, other) -> Action:
        ratio, more = (values[0], values[1:]) if isinstance(values[0], tuple) else ((1, 1), values)
        names = {"return_of_capital": ["cash"], "spin_off": ["cost_ratio"], "merger": ["cost_ratio", "cash"]}
        fields = dict(zip(names.get(kind, []), more, strict=True))
        if kind in ("spin_off", "merger"):
            fields["to_asset_id"] = other
        event = action(kind, on, *ratio, **fields)
        return event._replace(action_id=UUID(int=next(self.action_ids)))


def made_of(steps: list, *, allow_short: bool = False) -> Ledger:
    return {pk: asset._replace(allow_short=allow_short) for pk, asset in Writer().write(steps).items()}


@pytest.mark.parametrize("method", EXACT)
@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans())
def test_lots_agree_with_the_oracle(method, steps, allow_short):
    events = made_of(steps, allow_short=allow_short)
    expected = results(events, method, rate_on)
    for pk, result in lots(events, method=method, rate_on=rate_on).items():
        open_lots, closed, missing = expected[pk]
        assert sorted((lot.acquired_on, lot.quantity, lot.cost) for lot in result.open) == sorted(
            (order[0], quantity, cost) for order, quantity, cost in open_lots
        )
        assert [(lot.transaction_id, lot.quantity, lot.cost, lot.proceeds) for lot in result.closed] == [
            (order[3], quantity, cost, proceeds) for order, quantity, cost, proceeds in closed
        ]
        assert [(lot.quantity, lot.proceeds) for lot in result.missing] == missing


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans())
def test_average_cost_agrees_with_an_exact_pool(steps, allow_short):
    events = made_of(steps, allow_short=allow_short)
    expected = results(events, LotMethod.AVERAGE, rate_on)
    most = 4 * len(steps) + 4  # each cut rounds down to a ten-thousandth
    for pk, result in lots(events, method=LotMethod.AVERAGE, rate_on=rate_on).items():
        open_lots, closed, missing = expected[pk]
        assert sorted(lot.quantity for lot in result.open) == sorted(quantity for _, quantity, _ in open_lots)
        assert abs(result.cost - sum(cost for *_, cost in open_lots)) <= most
        assert sum(lot.quantity for lot in result.closed) == sum(quantity for _, quantity, *_ in closed)
        gained = sum(lot.proceeds - lot.cost for lot in result.closed)
        assert abs(gained - sum(proceeds - cost for *_, cost, proceeds in closed)) <= most
        assert [lot.quantity for lot in result.missing] == [quantity for quantity, _ in missing]


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans())
def test_nothing_is_lost_by_any_method(steps, allow_short):
    """Cost in = cost of what remains + of what was sold; gains and what is missing = what the cash shows."""
    events = made_of(steps, allow_short=allow_short)
    assert not list(faults(events))
    held = quantities(events)
    for method in LotMethod:
        for pk, result in lots(events, method=method, rate_on=rate_on).items():
            assert result.quantity == (held[pk].units[-1] if held[pk].units else 0)
            assert sum(lot.quantity for lot in result.missing) == sum(gap.units for gap in held[pk].missing)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from(LotMethod))
def test_total_in_the_assets_own_currency_needs_no_single_gains(steps, method):
    rates = Rates("EUR", RateBook([]))
    for result in lots(made_of(steps), method=method).values():
        assert total_in_own_currency(result) == total(realised_gains(result, rates))


@settings(max_examples=100, deadline=None)
@given(
    STEPS, st.sampled_from(LotMethod), st.sampled_from(["EUR", "USD"]), st.integers(0, 3), st.integers(0, 7)
)
def test_total_at_the_rates_of_days_needs_no_single_gains(steps, method, target, first_rate, start):
    """Where a rate is missing too: those of the first days."""
    book = RateBook(
        [Rate("USD", day(first_rate + number), Decimal(f"1.{number + 1}")) for number in range(8)]
    )
    rates = Rates(target, book)
    by_asset = lots(made_of(steps), method=method, currency=target, rate_on=book.rate_or_none)
    for result in by_asset.values():
        window = {"start": day(start), "end": day(start + 4)}
        assert realised_totals(result, rates, **window) == total(realised_gains(result, rates, **window))
        assert realised_totals(result, rates) == total(realised_gains(result, rates))

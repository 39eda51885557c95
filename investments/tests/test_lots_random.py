"""Random ledgers: the lots agree with an oracle in exact fractions, and no cost or gain is lost or made."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from assets.holdings.events import Action, Ledger, TradeType
from assets.holdings.quantities import quantities
from assets.rates.book import RateBook
from investments.calculations.conservation import faults
from investments.calculations.gains import realised_gains, total, total_in_own_currency
from investments.calculations.lots import lots
from investments.calculations.reported import Rates
from investments.tests.ledgers import A, B, action, buy, ledger, sell, trade, transfer
from investments.tests.oracle import oracle
from portfolios.lot_method import LotMethod

AMOUNTS = st.integers(0, 10**9).map(lambda number: Fraction(number, 10_000))
QUANTITIES = st.integers(1, 3_000).map(lambda number: Fraction(number, 100))
METHODS = st.sampled_from([LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO])
RATIOS = st.sampled_from([(2, 1), (1, 10), (3, 2), (1, 3), (7, 5)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.sampled_from([A, B]), QUANTITIES, AMOUNTS),
        st.tuples(st.just("sell"), st.sampled_from([A, B]), QUANTITIES, AMOUNTS),
        st.tuples(st.just("income"), st.sampled_from([A, B]), QUANTITIES, AMOUNTS),
        st.tuples(st.just("adjust"), st.sampled_from([A, B]), QUANTITIES.map(lambda q: q - 15), AMOUNTS),
        st.tuples(st.just("move"), st.sampled_from([A, B]), QUANTITIES, AMOUNTS),
        st.tuples(st.just("split"), st.sampled_from([A, B]), RATIOS, AMOUNTS),
    ),
    min_size=1,
    max_size=12,
)


def made_of(steps: list) -> Ledger:
    """Every second step is on the same day as the one before it."""
    events: dict = {A: [], B: []}
    for number, (kind, asset, value, amount) in enumerate(steps):
        on, position = number // 2, number % 2
        if kind == "split":
            for pk in (A, B):  # it is of the instrument, which both hold
                events[pk].append(action("split", on, *value))
        elif kind == "move":
            other = B if asset == A else A
            leaving, arriving = transfer(on, value, asset, other, position=position)
            events[asset].append(leaving)
            events[other].append(arriving._replace(position=position))
        elif kind == "adjust":
            events[asset].append(trade("ADJUST", on, value, position=position))
        elif kind == "income":
            events[asset].append(trade("INCOME", on, value, amount, position=position))
        else:
            make = buy if kind == "buy" else sell
            events[asset].append(make(on, value, amount, fee=Fraction(1, 100), position=position))
    return ledger(events)


@settings(max_examples=60, deadline=None)
@given(STEPS, METHODS)
def test_lots_agree_with_the_oracle(steps, method):
    events = made_of(steps)
    expected = oracle(events, method)
    for pk, result in lots(events, method=method).items():
        open_lots, closed, missing = expected[pk]
        assert sorted((lot.acquired_on, lot.quantity, lot.cost) for lot in result.open) == sorted(
            (order[0], quantity, cost) for order, quantity, cost in open_lots
        )
        assert [(lot.transaction_id, lot.quantity, lot.cost) for lot in result.closed] == [
            (order[3], quantity, cost) for order, quantity, cost, _ in closed
        ]
        assert [lot.quantity for lot in result.missing] == missing


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_average_cost_agrees_with_an_exact_pool(steps):
    events = made_of(steps)
    expected = oracle(events, LotMethod.AVERAGE)
    for pk, result in lots(events, method=LotMethod.AVERAGE).items():
        _, closed, missing = expected[pk]
        assert [(lot.transaction_id, lot.quantity) for lot in result.closed] == [
            (order[3], quantity) for order, quantity, *_ in closed
        ]
        for lot, (*_, cost, _) in zip(result.closed, closed, strict=True):
            assert abs(lot.cost - cost) <= len(steps) + 1  # each cut rounds down to a ten-thousandth
        assert [lot.quantity for lot in result.missing] == missing


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from(LotMethod), st.booleans())
def test_nothing_is_lost_by_any_method(steps, method, allow_short):
    """Cost in = cost of what remains + of what was sold; gains and what is missing = what the cash shows."""
    events = {pk: asset._replace(allow_short=allow_short) for pk, asset in made_of(steps).items()}
    results = lots(events, method=method)
    held = quantities(events)
    for pk, result in results.items():
        assert result.quantity == (held[pk].units[-1] if held[pk].units else 0)
        assert sum(lot.quantity for lot in result.missing) == sum(gap.units for gap in held[pk].missing)
    trades = [event for asset in events.values() for event in asset.events if not isinstance(event, Action)]
    income = sum(event.amount for event in trades if event.type is TradeType.INCOME)
    cash = 0  # income is in kind here: it is part of the value
    for event in trades:
        if event.type is TradeType.ACQUIRE:
            cash -= event.amount + event.fee + event.tax
        elif event.type is TradeType.DISPOSE:
            cash += event.amount - event.fee - event.tax
    realised = sum(lot.proceeds - lot.cost for result in results.values() for lot in result.closed)
    missing = sum(lot.proceeds for result in results.values() for lot in result.missing)
    cost_left = sum(result.cost for result in results.values())
    assert realised - cost_left + income + missing == cash


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from(LotMethod))
def test_total_in_the_assets_own_currency_needs_no_single_gains(steps, method):
    rates = Rates("EUR", RateBook([]))
    for result in lots(made_of(steps), method=method).values():
        assert total_in_own_currency(result) == total(realised_gains(result, rates))


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans())
def test_lots_are_conserved_by_every_method(steps, allow_short):
    assert not list(
        faults({pk: asset._replace(allow_short=allow_short) for pk, asset in made_of(steps).items()})
    )

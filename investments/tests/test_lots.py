"""Lots against worked cases of other programs. The sources are those of the reference of measures."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from assets.holdings.events import Event
from investments.calculations.lots import lots
from investments.tests.ledgers import (
    A,
    B,
    C,
    action,
    buy,
    cost,
    day,
    ids,
    ledger,
    lots_of,
    money,
    number,
    realised,
    sell,
    trade,
    transfer,
    units,
)
from portfolios.lot_method import LotMethod

pytestmark = pytest.mark.on_sqlite  # no database can change it

FIFO, LIFO, HIFO = LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO
AVERAGE, SPECIFIC = LotMethod.AVERAGE, LotMethod.SPECIFIC


def test_portfolio_performance_cost_calculation_1():
    trades = [buy(0, 109, "3149.20"), sell(1, 15, "531.50"), buy(2, 52, "1684.92"), buy(3, 32, "959.30")]
    for method in (FIFO, AVERAGE):
        result = lots_of(*trades, method=method)
        assert (round(cost(result), 2), round(realised(result), 2)) == (Decimal("5360.04"), Decimal("98.12"))
        assert round(17_800 - cost(result), 2) == Decimal("12439.96")
        assert number(result.quantity) == 178


def test_portfolio_performance_cost_calculation_2():
    trades = [buy(0, 109, "3149.20"), buy(1, 52, "1684.92"), sell(2, 15, "531.50")]
    for method, left, gain in [(FIFO, "4400.74", "98.12"), (AVERAGE, "4383.74", "81.12")]:
        result = lots_of(*trades, method=method)
        assert (round(cost(result), 2), round(realised(result), 2)) == (Decimal(left), Decimal(gain))


def test_portfolio_performance_cost_methodology_handbook():
    trades = [buy(0, 100, 9500), buy(1, 200, 21000), buy(2, 100, 10700), sell(3, 150, 16500)]
    for method, gain, unrealised in [(AVERAGE, 1050, 1750), (FIFO, 1750, 1050)]:
        result = lots_of(*trades, method=method)
        assert (realised(result), 250 * 110 - cost(result)) == (gain, unrealised)


@pytest.mark.parametrize("method", LotMethod)
def test_cutting_a_lot_leaves_no_residue(method):
    """measures.md, Cost basis, case 4."""
    result = lots_of(buy(0, 10, "0.01"), sell(1, 3, 1), sell(2, 3, 1), sell(3, 4, 1), method=method)
    assert (result.cost, [lot.cost for lot in result.closed]) == (0, [30, 30, 40])


@pytest.mark.parametrize("method", LotMethod)
def test_in_the_end_every_method_gains_what_the_cash_shows(method):
    """measures.md, Cost basis, case 5."""
    result = lots_of(buy(0, 10, 100), sell(1, 5, 60), buy(2, 5, 100), sell(3, 10, 150), method=method)
    assert (realised(result), result.cost, result.quantity) == (10, 0, 0)


BEANCOUNT = [buy(0, 4, 400), buy(1, 5, "555.55"), buy(2, 6, "733.32")]


@pytest.mark.parametrize(
    ("method", "sold", "left"),
    [
        (FIFO, 2, "1488.87"),
        (FIFO, 7, "955.54"),
        (FIFO, 12, "366.66"),
        (FIFO, 15, "0"),
        (LIFO, 2, "1444.43"),
        (LIFO, 7, "844.44"),
        (LIFO, 12, "300"),
        (HIFO, 7, "844.44"),
    ],
)
def test_beancount_booking(method, sold, left):
    assert cost(lots_of(*BEANCOUNT, sell(3, sold, 1), method=method)) == Decimal(left)


def test_beancount_booking_of_more_than_is_held():
    result = lots_of(*BEANCOUNT, sell(3, 16, 1600))
    assert [(number(gap.quantity), money(gap.proceeds)) for gap in result.missing] == [(1, 100)]
    assert (realised(result), result.quantity) == (1500 - Decimal("1688.87"), 0)


def test_beancount_booking_of_two_sales_from_two_lots():
    assert cost(lots_of(buy(0, 50, 5750), buy(1, 50, 5800), sell(2, 40, 1), sell(3, 35, 1))) == 2900


def test_beancount_booking_of_named_lots():
    buys = [buy(0, 7, 805), buy(1, 4, 460), buy(2, 3, 351)]
    named = [(buys[0].transaction_id, 7), (buys[1].transaction_id, 4)]
    result = lots_of(*buys, sell(3, 11, 1, lots=named), method=SPECIFIC)
    assert [(number(lot.quantity), money(lot.cost)) for lot in result.open] == [(3, 351)]


@pytest.mark.parametrize("method", [FIFO, AVERAGE])
def test_portfolio_performance_issue_1909_lots_are_per_account(method):
    """A sale in one account takes no lot of the other: 2000 is left, where an average over both would leave 1500."""
    events: dict = {A: [buy(0, 10, 2000)], B: [buy(0, 5, 400), buy(1, 5, 600), sell(2, 10, 2805)]}
    result = lots(ledger(events), method=method)
    assert (cost(result[A]), cost(result[B]), realised(result[B])) == (2000, 0, 1805)


@pytest.mark.parametrize(
    ("issue", "quantity", "paid", "price", "gain"),
    [(371, 47, "2397.60", "88.09", "1742.63"), (672, 10, "883.10", "97.141", "88.31")],
)
def test_portfolio_performance_issues_371_and_672_shares_moved(issue, quantity, paid, price, gain):
    leaving, arriving = transfer(1, quantity, A, B)
    result = lots(ledger({A: [buy(0, quantity, paid), leaving], B: [arriving]}))
    assert (cost(result[A]), cost(result[B])) == (0, Decimal(paid))
    assert quantity * Decimal(price) - cost(result[B]) == Decimal(gain)
    assert result[B].open[0].acquired_on == day(0)


def test_portfolio_performance_issue_4446_multiple_transfers():
    buys = [buy(0, 5, 500), buy(1, 5, 500), buy(2, 5, 1000), buy(3, 5, 1000)]
    moves = [transfer(4, 20, A, B), transfer(5, 20, B, C), transfer(6, 20, C, A)]
    events: dict = {A: [*buys, moves[0][0], moves[2][1]], B: [moves[0][1], moves[1][0]]}
    events |= {C: [moves[1][1], moves[2][0]]}
    events[A].append(sell(7, 10, 3000))
    result = lots(ledger(events))
    assert (cost(result[A]), realised(result[A])) == (2000, 2000)


def test_wealthfolio_option_with_fees():
    opened = lots_of(buy(0, 5, 1500, fee=10))
    assert cost(opened) == 1510
    result = lots_of(buy(0, 5, 1500, fee=10), sell(1, 3, 1200, fee=5))
    assert (cost(result), realised(result)) == (604, 289)


def test_wealthfolio_transfer_of_parts_with_fees():
    leaving, arriving = transfer(2, 12, A, B)
    events: dict = {A: [buy(0, 10, 1000, fee=10), buy(1, 5, 1000, fee=5), leaving], B: [arriving]}
    result = lots(ledger(events))
    assert (cost(result[A]), cost(result[B])) == (603, 1412)


def test_rotki_selling_what_was_never_bought_is_missing_and_no_gain():
    """rotki gives the missing part a cost of 0; here its proceeds are kept apart (investments.md, 1.4)."""
    result = lots_of(buy(0, 1, 5), sell(1, "1.2", 3), buy(2, 1, 4), sell(3, 2, 5))
    assert [money(gap.proceeds) for gap in result.missing] == [Decimal("0.5"), Decimal("2.5")]
    assert [number(gap.quantity) for gap in result.missing] == [Fraction(1, 5), 1]
    assert [money(lot.proceeds - lot.cost) for lot in result.closed] == [Decimal("-2.5"), Decimal("-1.5")]


# --- the rules of each method ---


def test_highest_cost_of_a_unit_first_and_of_equal_ones_the_oldest():
    buys: list[Event] = [buy(0, 1, 10), buy(1, 2, 40), buy(2, 4, 80), action("split", 3, 2), buy(4, 1, 9)]
    result = lots_of(*buys, sell(5, 5, 1), method=HIFO)
    assert [(lot.acquired_on, number(lot.quantity)) for lot in result.closed] == [(day(1), 4), (day(2), 1)]


def test_average_lots_keep_their_days_and_share_the_cost_of_a_unit():
    result = lots_of(buy(0, 10, 100), buy(1, 30, 700), sell(2, 20, 500), method=AVERAGE)
    assert [(lot.acquired_on, number(lot.quantity), money(lot.cost)) for lot in result.closed] == [
        (day(0), 10, 200),
        (day(1), 10, 200),
    ]
    assert [(lot.acquired_on, money(lot.cost)) for lot in result.open] == [(day(1), 400)]


def test_what_is_not_named_is_sold_by_fifo_and_a_lot_that_is_not_there_is_reported():
    buys = [buy(0, 5, 50), buy(1, 5, 100)]
    named = [(buys[1].transaction_id, 7)]
    sale = sell(2, 8, 1, lots=named)
    result = lots_of(*buys, sale, method=SPECIFIC)
    assert [(lot.acquired_on, number(lot.quantity)) for lot in result.closed] == [(day(1), 5), (day(0), 3)]
    assert [gap.disposal_id for gap in result.not_there] == [sale.transaction_id]
    assert not lots_of(*buys, sale, method=FIFO).not_there


def test_the_method_decides_which_lots_a_transfer_moves():
    leaving, arriving = transfer(2, 5, A, B)
    events: dict = {A: [buy(0, 5, 50), buy(1, 5, 100), leaving], B: [arriving]}
    for method, moved in [(FIFO, 50), (LIFO, 100), (HIFO, 100), (AVERAGE, 75), (SPECIFIC, 50)]:
        assert cost(lots(ledger(events), method=method)[B]) == moved


def test_lots_keep_their_order_after_a_transfer():
    leaving, arriving = transfer(3, 5, A, B)
    events: dict = {A: [buy(0, 5, 50), leaving], B: [buy(1, 5, 100), arriving, sell(4, 5, 1)]}
    assert cost(lots(ledger(events))[B]) == 100
    assert cost(lots(ledger(events), method=LIFO)[B]) == 50


def test_the_cost_of_an_asset_without_quantities_moves_with_it():
    pk = next(ids)
    leaving = trade("TRANSFER", 5, None, 250, transfer_id=pk, other_asset_id=B, closes=True)
    arriving = trade("TRANSFER", 5, None, 250, transfer_id=pk, other_asset_id=A)
    result = lots(ledger({A: [buy(0, None, 200), leaving], B: [arriving]}))
    assert (cost(result[A]), cost(result[B])) == (0, 200)
    assert result[B].open[0].acquired_on == day(0)


# --- short sales, corrections, income in kind, what has no quantity ---


def test_a_short_sale_opens_a_lot_and_a_purchase_closes_it():
    opened = lots_of(sell(0, 10, 100, fee=1), allow_short=True)
    assert [(number(lot.quantity), money(lot.cost)) for lot in opened.open] == [(-10, -99)]
    result = lots_of(sell(0, 10, 100, fee=1), buy(1, 15, 120, fee=3), allow_short=True)
    assert [(number(lot.quantity), money(lot.cost)) for lot in result.open] == [(5, 41)]
    assert realised(result) == 99 - 82
    assert lots_of(sell(0, 10, 100)).missing[0].quantity == units(10)


def test_a_correction_adds_at_no_cost_and_removes_without_proceeds():
    result = lots_of(buy(0, 10, 100), trade("ADJUST", 1, 2), trade("ADJUST", 2, -4))
    assert (number(result.quantity), cost(result), realised(result)) == (8, 60, -40)


def test_income_in_kind_opens_a_lot_at_its_amount():
    result = lots_of(
        trade("INCOME", 0, 2, 50, tax=10), trade("INCOME", 1, None, 7), trade("EXPENSE", 1, None, 3)
    )
    assert (number(result.quantity), cost(result)) == (2, 50)


def test_what_has_no_quantity_is_closed_by_its_disposal():
    house = [buy(0, None, 200_000, tax=7000), buy(1, None, 13_000)]
    assert cost(lots_of(*house)) == 220_000
    result = lots_of(*house, sell(2, None, 250_000, fee=10_000, closes=True))
    assert (cost(result), realised(result), result.missing) == (0, 20_000, [])
    partly = lots_of(*house, sell(2, None, 5000))
    assert (cost(partly), money(partly.missing[0].proceeds)) == (220_000, 5000)


def test_only_what_happened_up_to_the_day_counts():
    result = lots_of(buy(0, 10, 100), sell(2, 10, 150), on=day(1))
    assert (cost(result), result.closed) == (100, [])


# --- corporate actions ---


@pytest.mark.parametrize("method", LotMethod)
def test_a_split_changes_no_cost(method):
    """measures.md, Splits, with a sale in between."""
    events = [buy(0, 10, 1000), buy(0, 5, 700, position=1), action("split", 3, 2), sell(4, 15, 900)]
    result = lots_of(*events, action("split", 6, 1, 10), method=method)
    assert number(result.quantity) == Fraction(3, 2)
    assert result.cost + sum(lot.cost for lot in result.closed) == 17_000_000
    assert sum(number(lot.quantity) for lot in result.closed) == 15


@pytest.mark.parametrize("method", LotMethod)
def test_a_spin_off_moves_its_part_of_every_cost(method):
    spun = action("spin_off", 2, 1, 4, to_asset_id=B, cost_ratio="0.25")
    events: dict = {A: [buy(0, 8, 100), buy(1, 4, "33.3333"), spun], B: [sell(3, 1, 50)]}
    result = lots(ledger(events), method=method)
    moved = result[B].cost + sum(lot.cost for lot in result[B].closed)
    assert result[A].cost + moved == 1_333_333
    assert number(result[B].quantity) == 2
    assert [lot.acquired_on for lot in result[B].open if lot.cost][-1] in (day(0), day(1))


def test_a_merger_moves_all_lots_and_closes_the_part_for_cash():
    merged = action("merger", 2, 3, 2, to_asset_id=B, cost_ratio="0.10", cash="5.00")
    first = buy(0, 8, 100)
    events: dict = {A: [first, buy(1, 2, 50), merged], B: []}
    result = lots(ledger(events))
    assert (result[A].open, realised(result[A])) == ([], 50 - 15)
    assert [(number(lot.quantity), money(lot.cost)) for lot in result[B].open] == [(12, 90), (3, 45)]
    assert result[B].open[0].transaction_id == first.transaction_id
    assert {lot.disposal_id for lot in result[A].closed} == {merged.action_id}


def test_capital_that_is_returned_lowers_costs_and_the_rest_is_a_gain():
    returned = action("return_of_capital", 2, cash="1.50")
    result = lots_of(buy(0, 10, 100), buy(1, 10, 5), returned)
    assert [money(lot.cost) for lot in result.open] == [85, 0]
    assert (realised(result), money(result.paid_back)) == (10, 20)


def test_an_amount_in_another_currency_is_converted_at_the_rate_of_its_day():
    def rate_on(source, target, on):
        return {day(0): Fraction(1, 2), day(1): Fraction(3)}.get(on)

    events = [buy(0, 1, 10, currency="USD"), sell(1, 1, 4, currency="USD")]
    assert realised(lots_of(*events, rate_on=rate_on)) == 12 - 5
    without = lots_of(*events)
    assert without.closed[0].unknown
    assert without.missing_rates == [("USD", day(0)), ("USD", day(1))]

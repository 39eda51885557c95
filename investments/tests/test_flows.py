"""Which changes of an asset are money that moved."""

from __future__ import annotations

from datetime import date

import pytest

from assets.holdings.quantities import quantities
from assets.rates.book import RateBook
from assets.valuation.formulas.shares import ShareChange
from assets.valuation.series import ValueSeries
from investments.calculations.flows import (
    Window,
    balance_asset_flows,
    gross,
    moved_amounts,
    net_of_all,
    value_asset_flows,
)
from investments.calculations.lots import lots
from investments.calculations.reported import Rates
from investments.tests.ledgers import A, B, action, buy, cents, day, ledger, sell, trade, transfer

pytestmark = pytest.mark.on_sqlite  # no database can change it


def window(*, with_taxes: bool = True) -> Window:
    return Window(day(0), day(99), Rates("EUR", RateBook([])), with_taxes)


def series(values: dict[int, int], disposed_on: date | None = None) -> ValueSeries:
    return ValueSeries(
        "EUR", [day(on) for on in values], [cents(value) for value in values.values()], disposed_on
    )


def shown(flows) -> dict[int, tuple[float, float]]:
    return {(on - day(0)).days: (came / 10_000, went / 10_000) for on, (came, went) in gross(flows).items()}


def of_value_asset(*events, values=None, disposed_on=None, with_taxes=True):
    asset = ledger({A: list(events)})[A]
    held = quantities({A: asset})[A]
    return value_asset_flows(
        asset, series(values or {1: 100}, disposed_on), window(with_taxes=with_taxes), held
    )


def test_trades_are_flows_with_their_costs():
    trades = [buy(1, 1, 100, fee=2, tax=3), sell(2, 1, 50, fee=2, tax=3), trade("INCOME", 3, None, 20, tax=5)]
    trades.append(trade("EXPENSE", 4, None, 7))
    assert shown(of_value_asset(*trades)) == {1: (105, 0), 2: (0, 45), 3: (0, 15), 4: (7, 0)}
    without = of_value_asset(*trades, with_taxes=False)
    assert shown(without) == {1: (102, 0), 2: (0, 48), 3: (0, 20), 4: (7, 0)}


def test_income_in_kind_is_no_flow():
    assert shown(of_value_asset(buy(1, 1, 100), trade("INCOME", 2, 1, 50))) == {1: (100, 0)}


def test_a_purchase_before_the_first_value_counts_on_its_day():
    assert shown(of_value_asset(buy(1, 1, 90), values={5: 100})) == {5: (90, 0)}
    assert shown(of_value_asset(values={5: 100})) == {5: (100, 0)}


def test_a_disposal_without_a_sale_takes_the_value_away():
    values = {1: 100, 8: 120}
    bought = buy(1, 1, 100)
    assert shown(of_value_asset(bought, values=values, disposed_on=day(9))) == {1: (100, 0), 9: (0, 120)}
    income = trade("INCOME", 9, None, 4)
    assert shown(of_value_asset(bought, income, values=values, disposed_on=day(9)))[9] == (0, 124)
    sale = sell(9, 1, 130)
    assert shown(of_value_asset(bought, sale, values=values, disposed_on=day(9)))[9] == (0, 130)


def test_what_an_action_pays_goes_out():
    returned = action("return_of_capital", 3, cash="1.5")
    assert shown(of_value_asset(buy(1, 10, 100), returned)) == {1: (100, 0), 3: (0, 15)}


def test_a_change_of_a_balance_is_a_flow_less_what_was_earned():
    asset = ledger({A: [trade("INCOME", 5, None, 3), trade("EXPENSE", 6, None, 2)]})[A]
    flows = balance_asset_flows(asset, series({0: 100, 5: 113, 6: 111}), window())
    assert shown(flows) == {5: (10, 0)}
    first = balance_asset_flows(asset, series({2: 100}, day(9)), window())
    assert shown(first)[2] == (100, 0) and shown(first)[9] == (0, 100)


def test_what_moves_to_another_asset_is_a_flow_of_both_and_cancels_out():
    leaving, arriving = transfer(5, 4, A, B)
    events = ledger({A: [buy(1, 10, 100), leaving], B: [arriving]})
    lots_by_asset, held = lots(events), quantities(events)
    values = {A: series({1: 100, 5: 72}), B: series({5: 48})}

    def flows(worth_of):
        moved = moved_amounts(lots_by_asset, worth_of)
        return [value_asset_flows(events[pk], values[pk], window(), held[pk], moved[pk]) for pk in (A, B)]

    with_value = flows(lambda moving: cents(48))
    assert [shown(each)[5] for each in with_value] == [(0, 48), (48, 0)]
    assert day(5) not in net_of_all(with_value)
    at_cost = flows(lambda moving: None)
    assert [shown(each)[5] for each in at_cost] == [(0, 40), (40, 0)]


# --- the household's share ---


def of_shares(*changes: tuple[int, int, bool], events=(), values=None):
    """Changes as (day, amount, whether the share rises), of a value asset and of a balance asset."""
    asset = ledger({A: list(events)})[A]
    shares = [ShareChange(day(on), cents(amount), is_rise) for on, amount, is_rise in changes]
    return [
        shown(value_asset_flows(asset, series(values), window(), quantities({A: asset})[A], shares=shares)),
        shown(balance_asset_flows(asset, series(values), window(), shares)),
    ]


def test_change_of_the_share_comes_in_or_goes_out():
    risen, fallen = {0: 100, 5: 220}, {0: 200, 5: 110}
    assert of_shares((5, 110, True), values=risen) == [{5: (110, 0)}, {5: (120, 0)}]
    assert of_shares((5, -110, False), values=fallen) == [{5: (0, 110)}, {5: (20, 110)}]


def test_larger_share_of_a_debt_goes_out():
    assert of_shares((5, -45, True), values={0: -50, 5: -90}) == [{5: (0, 45)}, {5: (5, 45)}]


def test_change_of_the_share_on_a_day_with_a_trade_or_a_transfer_is_none_of_its_own():
    values = {0: 100, 5: 220}
    assert of_shares((5, 110, True), events=[buy(5, 1, 90)], values=values)[0] == {5: (90, 0)}
    leaving, _ = transfer(5, 1, A, B)
    assert of_shares((5, 110, True), events=[leaving], values=values)[0] == {}

"""Findings about holdings, from a ledger."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from uuid import UUID

import pytest

from assets.holdings.events import QUANTITY_UNIT, Action, ActionType, AssetEvents, ChosenLot, Trade, TradeType
from portfolios.lot_method import LotMethod
from reports.calculations.quality.holdings import holding_findings

pytestmark = pytest.mark.on_sqlite  # no database can change it

SHARES, ELSEWHERE = UUID(int=1), UUID(int=2)
JAN, FEB, MAR = date(2024, 1, 10), date(2024, 2, 10), date(2024, 3, 10)
NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)


def trade(number, kind, on, quantity=None, amount=1, **values):
    units = None if quantity is None else quantity * QUANTITY_UNIT
    return Trade(UUID(int=number), TradeType(kind), on, NOON, 0, "EUR", units, amount * 10**4, **values)


def codes(*events, on=MAR):
    ledger = {SHARES: AssetEvents(SHARES, "EUR", events)}
    return [(finding.code, finding.on) for finding in holding_findings(ledger, [SHARES], on=on)]


BOUGHT = trade(10, "ACQUIRE", JAN, 5)


def test_nothing_is_found_where_all_is_there():
    assert codes(BOUGHT, trade(11, "INCOME", FEB), trade(12, "DISPOSE", MAR, 5)) == []


def test_sale_of_more_than_is_held_says_how_much_is_missing():
    ledger = {SHARES: AssetEvents(SHARES, "EUR", [BOUGHT, trade(11, "DISPOSE", FEB, 7)])}
    (finding,) = holding_findings(ledger, [SHARES], on=MAR)
    assert (finding.code, finding.severity, finding.params["quantity"]) == (
        "MISSING_QUANTITY",
        "warning",
        D(2),
    )
    assert holding_findings(ledger, [SHARES], on=JAN) == []


def test_units_that_arrive_without_a_cost_are_named():
    assert codes(trade(10, "ADJUST", JAN, 5, amount=0)) == [("MISSING_COST", JAN)]
    assert codes(trade(10, "ADJUST", JAN, 5)) == []
    assert codes(trade(10, "ACQUIRE", JAN, 5, amount=0)) == [("MISSING_COST", JAN)]  # a delivery of a broker
    arrived = trade(10, "TRANSFER", JAN, 5, amount=0, transfer_id=UUID(int=9), other_asset_id=ELSEWHERE)
    assert codes(arrived) == [("MISSING_COST", JAN)]


def test_end_of_a_short_sale_that_cost_nothing_is_no_missing_cost():
    events = [trade(10, "DISPOSE", JAN, 5), trade(11, "ACQUIRE", FEB, 5, amount=0)]
    ledger = {SHARES: AssetEvents(SHARES, "EUR", events, allow_short=True)}
    assert holding_findings(ledger, [SHARES], on=MAR) == []


def test_income_of_a_day_on_which_nothing_is_held_is_named():
    sold = trade(11, "DISPOSE", FEB, 5)
    assert codes(BOUGHT, sold, trade(12, "INCOME", FEB)) == []
    assert codes(BOUGHT, sold, trade(12, "INCOME", MAR)) == [("INCOME_WITHOUT_HOLDING", MAR)]
    assert codes(trade(12, "INCOME", MAR)) == []  # its units are not counted


def test_action_whose_shares_have_no_asset_is_named_if_something_is_held():
    spin_off = Action(UUID(int=20), ActionType.SPIN_OFF, FEB)
    assert codes(BOUGHT, spin_off) == [("ACTION_WITHOUT_ASSET", FEB)]
    assert codes(spin_off, trade(10, "ACQUIRE", MAR, 5)) == []


def test_chosen_lot_that_is_not_there_is_named():
    lot = ChosenLot(UUID(int=99), QUANTITY_UNIT)
    sale = trade(11, "DISPOSE", FEB, 5, lots=(lot,))
    ledger = {SHARES: AssetEvents(SHARES, "EUR", [BOUGHT, sale], LotMethod.SPECIFIC)}
    assert [finding.code for finding in holding_findings(ledger, [SHARES], on=MAR)] == ["LOT_NOT_THERE"]


def test_income_of_what_never_had_a_unit_is_named_before_its_first_value():
    ledger = {SHARES: AssetEvents(SHARES, "EUR", [trade(12, "INCOME", FEB)])}
    for first_value_on, count in ((None, 1), (MAR, 1), (FEB, 0), (JAN, 0)):
        values = {SHARES: first_value_on}
        assert len(holding_findings(ledger, [SHARES], on=MAR, without_units=values)) == count

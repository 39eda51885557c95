"""Realised gains in another currency, and the part of them that comes from the exchange rate."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assets.rates.book import Rate, RateBook
from investments.calculations.gains import cost_basis, realised_gains, realised_totals, total
from investments.calculations.lots import lots
from investments.calculations.reported import Rates, rounded
from investments.tests.ledgers import A, buy, day, ledger, sell
from portfolios.lot_method import LotMethod

pytestmark = pytest.mark.on_sqlite  # no database can change it

BOOK = RateBook([Rate("USD", day(0), Decimal("1.25")), Rate("USD", day(5), Decimal("1.6"))])


def gains(events, method=LotMethod.FIFO, target="EUR", **values):
    rates = Rates(target, BOOK)
    events = ledger({A: events}, currency="USD")
    result = lots(events, method=method, currency=target, rate_on=rates.book.rate_or_none)[A]
    totals = total(realised_gains(result, rates, **values))
    assert realised_totals(result, rates, **values) == totals
    return result, totals, rates


def test_a_gain_has_a_part_that_comes_from_the_rate():
    """Bought for 100 USD = 80 EUR, sold for 120 USD = 75 EUR: of the loss, 100 x (0.625 - 0.8) is the rate's."""
    result, totals, _ = gains([buy(0, 1, 100, currency="USD"), sell(5, 1, 120, currency="USD")])
    amounts = [totals.cost, totals.proceeds, totals.realised_gain, totals.fx_gain]
    assert [rounded(amount, 2) for amount in amounts] == [80, 75, -5, Decimal("-17.5")]
    assert totals.complete and not result.open


def test_only_what_was_sold_after_the_start_counts():
    events = [buy(0, 2, 100, currency="USD"), sell(1, 1, 60, currency="USD"), sell(5, 1, 60, currency="USD")]
    assert rounded(gains(events, start=day(1))[1].proceeds, 4) == Decimal("37.5")
    assert rounded(gains(events, end=day(1))[1].proceeds, 4) == Decimal("48")


@pytest.mark.parametrize("method", LotMethod)
def test_realised_gain_less_cost_is_the_cash_in_the_reporting_currency(method):
    """Also by average, where the pool mixes the costs of days with different rates."""
    trades = [buy(0, 2, 100, currency="USD"), buy(5, 2, 160, currency="USD"), sell(6, 3, 250, currency="USD")]
    result, totals, rates = gains(trades, method)
    cash = -100 * Decimal("0.8") - 160 * Decimal("0.625") + 250 * Decimal("0.625")
    assert rounded(totals.realised_gain - cost_basis(result, rates), 6) == cash


def test_without_a_rate_there_is_no_gain():
    result, totals, rates = gains([buy(-9, 1, 100, currency="USD"), sell(5, 1, 120, currency="USD")])
    assert not totals.complete and totals.realised_gain == 0
    assert rates.missing == {("USD", day(-9))}
    assert realised_gains(result, rates)[0].realised_gain is None


def test_in_its_own_currency_no_rate_is_needed():
    _, totals, rates = gains([buy(-9, 1, 100, currency="USD"), sell(5, 1, 120, currency="USD")], target="USD")
    assert (rounded(totals.realised_gain, 4), totals.fx_gain, rates.missing) == (20, 0, set())


def test_what_was_bought_in_a_currency_without_a_rate_has_no_gain():
    result, totals, _ = gains([buy(0, 1, 100, currency="GBP"), sell(5, 1, 120, currency="USD")])
    assert (result.knows_all_costs, totals.complete, totals.realised_gain) == (False, False, 0)

"""The returns of a small ledger in two currencies, beside those that hledger 1.25 finds (`roi --value then,EUR`).

10 X for 100 USD and a fee of 1, a dividend of 6, and 10 X for 110 and a fee of 1; a dollar is worth 0.50, then 0.80 and
0.625 euros. hledger finds an IRR of 70.07 % a year, and a TWR of 93.15 % in the 366 days. What makes both say the same
is in benchmarks/peer.py.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from assets.classification.seeds import TypeId
from assets.models import ExchangeRate
from tests.factories import add_value, create_asset

from .test_investments import buy, get, trade

SPAN = {"start": "2023-12-31", "end": "2024-12-31"}
BUYS, PAYS, BUYS_MORE = date(2024, 1, 1), date(2024, 5, 1), date(2024, 9, 1)
# Of each day the value before, what came in, what went out and the value after, in euros, by hand.
CHAIN = [
    ("0", "50.5", "0", "50"),
    ("50", "0", "3", "60"),
    ("60", "88.8", "0", "176"),
    ("176", "0", "0", "187.5"),
]


@pytest.fixture
def answer(alice, portfolio):
    for on, units in [("2024-01-01", "2"), ("2024-09-01", "1.25"), ("2024-12-31", "1.6")]:
        ExchangeRate.objects.create(currency="USD", on=on, units_per_euro=units, lasting=True)
    shares = create_asset(portfolio, "X", TypeId.STOCKS, currency="USD")
    buy(shares, "2024-01-01", 10, 100, fee=1)
    trade(shares, "INCOME", "2024-05-01", None, 6)
    buy(shares, "2024-09-01", 10, 110, fee=1)
    for on, value in [(BUYS, 100), (PAYS, 120), (BUYS_MORE, 220), (date(2024, 12, 31), 300)]:
        add_value(shares, value, on)
    return get(alice, f"portfolios/{portfolio.pk}/performance", **SPAN, currency="EUR", explain=1)


def test_money_weighted_return_is_that_of_hledger(answer):
    assert round(100 * Decimal(answer["xirr"]), 2) == Decimal("70.07")
    assert answer["flows"] == [
        {"on": "2024-01-01", "amount": "50.50"},
        {"on": "2024-05-01", "amount": "-3.00"},
        {"on": "2024-09-01", "amount": "88.80"},
    ]


def test_time_weighted_return_has_inflows_at_the_start_of_the_day_and_hledger_at_its_end(answer):
    names = ("start", "inflow", "outflow", "end")
    days = [tuple(Fraction(day[name]) for name in names) for day in answer["days"]]
    changed = [day for day in days if day[0] != day[3] or day[1] or day[2]]
    assert changed == [tuple(map(Fraction, day)) for day in CHAIN]
    ours = hledgers = Fraction(1)
    for start, inflow, outflow, end in changed:
        ours *= (end + outflow) / (start + inflow)
        hledgers *= (end + outflow - inflow) / start if start else end / inflow
    assert round(ours - 1, 10) == Fraction(answer["twr"])
    assert round(100 * (hledgers - 1), 2) == Fraction("93.15")

"""Assets and securities of several test files."""

from datetime import date
from decimal import Decimal

import pytest

from assets.classification.seeds import TypeId
from assets.models import Instrument
from tests.factories import add_value, create_asset, create_valued_asset, day, record_price


@pytest.fixture
def flat_bought_in_march(portfolio):
    """Bought on 2024-03-01. Its first value is three months later, of 2024-06-01."""
    flat = create_asset(portfolio, "Flat", TypeId.REAL_ESTATE, acquired_on="2024-03-01")
    add_value(flat, "100", date(2024, 6, 1))
    return flat


@pytest.fixture
def shares(portfolio):
    """Its only value is of 2024-06-01. Nothing says when they were bought."""
    return create_valued_asset(portfolio, "Shares", TypeId.STOCKS, "100", on="2024-06-01")


def create_instrument(household, symbol="VWCE", **fields) -> Instrument:
    fields = {"name": symbol, "currency": "EUR", "instrument_type": "etf"} | fields
    return Instrument.objects.create(household=household, symbol=symbol, **fields)


@pytest.fixture
def fund(household):
    """At 20 on day 0 and 21 on day 1."""
    instrument = create_instrument(household)
    record_price(instrument, day(0), 20)
    record_price(instrument, day(1), 21)
    return instrument


@pytest.fixture
def holding(portfolio, fund):
    """Ten shares, from the first price on."""
    return create_asset(
        portfolio, "Fund", TypeId.STOCKS, instrument=fund, valuation="market", quantity=Decimal(10)
    )


@pytest.fixture
def house_prices(household):
    """At 100 on day 0, and 110 on day 31."""
    instrument = create_instrument(household, "HPI", instrument_type="index")
    record_price(instrument, day(0), 100)
    record_price(instrument, day(31), 110)
    return instrument

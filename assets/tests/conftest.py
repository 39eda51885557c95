"""Assets that several test files sell."""

from datetime import date

import pytest

from assets.classification.seeds import TypeId
from tests.factories import add_value, create_asset, create_valued_asset


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

"""A user's first household: made by the first write that needs one, never by reading."""

import pytest

from conftest import client_of
from portfolios.models import Household
from strata.accounts.models import User

API = "/api/v1"


@pytest.fixture
def newcomer(db):
    """A user without a household."""
    return client_of(User.objects.create(username="Dora"))


def test_reading_makes_no_household(newcomer):
    for path in ("me", "households", "portfolios", "categories"):
        assert newcomer.get(f"{API}/{path}").status_code == 200
    assert not Household.objects.exists()


def test_first_write_makes_a_household_with_the_starter_categories(newcomer):
    assert newcomer.post(f"{API}/portfolios", {"name": "Mine"}).status_code == 201
    assert newcomer.get(f"{API}/categories?page_size=200").json()["count"] == 5 + 12  # at the top, below them


def test_second_write_makes_no_second_household(newcomer):
    assert newcomer.post(f"{API}/portfolios", {"name": "Mine"}).status_code == 201
    assert newcomer.post(f"{API}/tags", {"name": "Mine"}).status_code == 201
    assert Household.objects.count() == 1
    assert newcomer.get(f"{API}/categories?page_size=200").json()["count"] == 5 + 12

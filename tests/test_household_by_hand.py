"""A household entered through the API, its total on every day of change compared with sums done by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from assets.models import Asset, AssetSnapshot, ExchangeRate

API = "/api/v1"


@pytest.fixture
def rates(db):
    for on, rate in (("2024-06-14", "1.25"), ("2024-07-01", "1.60"), ("2024-09-02", "1.60")):
        ExchangeRate.objects.create(currency="USD", on=on, units_per_euro=rate, source="ecb")


class Household:
    """Types entries in as a client would, and reads totals back."""

    def __init__(self, client):
        self.client = client
        self.portfolio = self.post("/portfolios", {"name": "Home", "base_currency": "EUR"})["id"]
        types = client.get(f"{API}/asset-types?page_size=200").json()["results"]
        self.types = {one["code"]: one["id"] for one in types}

    def post(self, path, body, status=201):
        answer = self.client.post(API + path, body)
        assert answer.status_code == status, answer.content
        return answer.json()

    def asset(self, name, code, **fields):
        body = {"portfolio_id": self.portfolio, "asset_type_id": self.types[code], "name": name, **fields}
        return self.post("/assets", body)["id"]

    def value(self, asset, on, value):
        return self.post(f"/assets/{asset}/snapshots", {"value": value, "on": on})

    def total(self, on):
        answer = self.client.get(f"{API}/portfolios/{self.portfolio}?on={on}").json()
        assert answer["complete"], answer["missing_rates"]
        return Decimal(answer["total_value"])


def enter(home):
    """The entries, in the order in which a person would remember them, not by date."""
    checking = home.asset("Checking", "CHECKING_ACCOUNT")
    home.value(checking, "2024-01-01", "5000.00")
    flat = home.asset("Flat", "REAL_ESTATE", acquired_on="2024-03-01")
    home.value(flat, "2024-03-01", "250000")
    home.post(f"/assets/{flat}/dispose", {"on": "2024-09-01", "proceeds": "260000.00"}, status=200)
    mortgage = home.asset("Mortgage", "MORTGAGE")
    home.value(mortgage, "2024-03-01", "-200000")
    home.value(mortgage, "2024-04-01", "-198000")
    home.value(checking, "2024-04-01", "3499.75")
    wardrobe = home.asset("Wardrobe", "PERSONAL_PROPERTY")
    home.post(f"/assets/{wardrobe}/transactions", {"type": "ACQUIRE", "amount": "300", "on": "2024-02-01"})
    home.value(wardrobe, "2024-02-01", "300")
    home.post(f"/assets/{wardrobe}/transactions", {"type": "ACQUIRE", "amount": "120", "on": "2024-02-10"})
    home.value(wardrobe, "2024-02-10", "420")
    home.value(home.asset("LEGO set", "COLLECTIBLES"), "2024-05-05", "85.50")
    home.value(home.asset("Chairs", "PERSONAL_PROPERTY", quantity="10"), "2024-05-20", "450.00")
    home.value(home.asset("Card", "CREDIT_CARD"), "2024-06-01", "-240.34")
    home.value(home.asset("Dollars", "SAVINGS_ACCOUNT", currency="USD"), "2024-06-15", "1000.00")
    home.value(home.asset("Car", "VEHICLE"), "2024-07-01", "12345.67")
    home.value(mortgage, "2024-09-01", "0")
    home.value(checking, "2024-09-01", "65499.75")


BY_HAND = {
    "2023-12-31": "0.00",
    "2024-01-01": "5000.00",  # checking 5000
    "2024-02-01": "5300.00",  # + a coat of 300
    "2024-02-10": "5420.00",  # + a suit of 120
    "2024-03-01": "55420.00",  # + flat 250000, - mortgage 200000
    "2024-04-01": "55919.75",  # mortgage 2000 less; checking 1500.25 less
    "2024-05-05": "56005.25",  # + LEGO 85.50
    "2024-05-20": "56455.25",  # + ten chairs 450
    "2024-06-01": "56214.91",  # - card 240.34
    "2024-06-15": "57014.91",  # + 1000 USD at 1.25 = 800
    "2024-07-01": "69185.58",  # dollars now 625 (- 175), + car 12345.67
}


def test_total_on_every_day_of_change_equals_the_sum_done_by_hand(alice, rates):
    home = Household(alice)
    enter(home)
    assert {on: str(home.total(on)) for on in BY_HAND} == BY_HAND
    # The flat is sold: 250000 gone; mortgage repaid (+ 198000); checking from 3499.75 to 65499.75 (+ 62000).
    ExchangeRate.objects.create(currency="USD", on="2024-08-30", units_per_euro="1.60", source="ecb")
    assert home.total("2024-09-01") == Decimal("79185.58")


def test_sale_of_the_flat_leaves_earlier_days_as_they_were(alice, rates):
    home = Household(alice)
    flat = home.asset("Flat", "REAL_ESTATE")
    home.value(flat, "2024-03-01", "250000")
    home.post(f"/assets/{flat}/dispose", {"on": "2024-09-01"}, status=200)
    assert (home.total("2024-08-31"), home.total("2024-09-01")) == (Decimal("250000.00"), Decimal("0.00"))


def test_back_dated_value_counts_from_its_own_day_on(alice, rates):
    home = Household(alice)
    car = home.asset("Car", "VEHICLE")
    home.value(car, "2024-05-01", "9000")
    home.value(car, "2024-03-01", "9500")
    assert [home.total(f"2024-0{month}-02") for month in (2, 3, 5)] == [0, 9500, 9000]


def test_total_too_large_for_one_integer_is_exact(alice, household):
    home = Household(alice)
    kind = home.types["OTHER"]
    rows = [
        Asset(portfolio_id=home.portfolio, asset_type_id=kind, name=f"Hoard {number}", currency="EUR")
        for number in range(1000)
    ]
    Asset.objects.bulk_create(rows)
    moment = datetime(2024, 1, 1, 12, tzinfo=UTC)
    AssetSnapshot.objects.bulk_create(
        AssetSnapshot(asset=row, value="999999999999.99", on=moment.date(), observed_at=moment)
        for row in rows
    )
    assert home.total("2024-01-01") == Decimal("999999999999990.00")
